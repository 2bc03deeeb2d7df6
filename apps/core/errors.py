"""What can go wrong with a job, its items and its stream."""

from __future__ import annotations

from typing import Any


class ProgressError(Exception):
    """Base of the errors that core raises on its own account."""


class UnknownJobError(ProgressError):
    """Raised when a tracker is made for a job id that has no row."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(
            f"There is no SSEProgress row with the job id {job_id!r}. Create the row first (or use "
            "start_for), and hand the same id to the actor and to the page."
        )


class NotRepeatableError(ProgressError):
    """Raised when a job is to start over though outcomes of its items are in the ledger."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(
            f"Job {job_id} has items that were skipped, failed or are in doubt. Starting over is "
            "for work that counts with advance() only."
        )


class JobFailed(ProgressError):
    """Raised by an actor whose job can't be done, to say so in its own words.

    `msgid` is translated when it is read, with `params` put in; `hint` says what to do next.
    """

    def __init__(
        self, msgid: str, *, code: str, params: dict[str, Any] | None = None, hint: str = ""
    ) -> None:
        self.msgid = msgid
        self.code = code
        self.params = params or {}
        self.hint = hint
        super().__init__(msgid % self.params if self.params else msgid)

    def as_error(self) -> dict[str, Any]:
        """Give it as a job's `error`."""
        return {
            "code": self.code,
            "message": self.msgid,
            "params": self.params,
            "hint": self.hint,
        }


class NotAJobError(ProgressError):
    """Raised when a progress actor is sent or called without a job."""

    def __init__(self, actor_name: str) -> None:
        self.actor_name = actor_name
        super().__init__(
            f"{actor_name} reports progress, so it needs a job: start it with "
            f"{actor_name}.start_for(user, …), or call {actor_name}.fn(RecordingTracker(), …) in a "
            "test."
        )


class AlreadyCountedError(ProgressError):
    """Raised when a job is to be shared out after it has counted items of its own."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(
            f"Job {job_id} has items of its own, which its parts' sums would hide. Call fan_out() "
            "before track() and advance(), and let a part do what has to be counted."
        )


class NotPossibleNowError(ProgressError):
    """Raised when a job's state does not allow what was asked."""

    def __init__(self, action: str, status: str) -> None:
        self.action = action
        self.status = status
        super().__init__(f"Can't {action} a job that is {status}.")


class NotInDoubtError(ProgressError):
    """Raised when there is nothing in doubt to decide about, such as when somebody else has."""

    def __init__(self, job_id: str, item: int | None = None) -> None:
        self.job_id = job_id
        self.item = item
        what = "No item" if item is None else f"Item {item}"
        super().__init__(f"{what} of job {job_id} is in doubt. Look at its ledger again.")


class ItemOutcomeError(ProgressError):
    """Base of what an item's code raises to tell how the item ended.

    `msgid` is translated when it is read, with `params` put in; `code` is for machines.
    """

    default_code = "failed"

    def __init__(self, msgid: str, *, code: str = "", params: dict[str, Any] | None = None) -> None:
        self.msgid = msgid
        self.code = code or self.default_code
        self.params = params or {}
        super().__init__(msgid % self.params if self.params else msgid)


class ItemFailed(ItemOutcomeError):
    """Raised when an item could not be done; the job goes on with the next one."""


class ItemSkipped(ItemOutcomeError):
    """Raised when an item needs nothing done."""

    default_code = "skipped"


class ItemInDoubt(ItemOutcomeError):
    """Raised when nobody can tell whether an irreversible effect took place."""

    default_code = "in_doubt"


class ItemPutOff(ItemOutcomeError):
    """Raised when an item can't be done yet, and nothing of it has happened.

    The same job takes it up again after the others, at the earliest `after_seconds` later. Whoever
    raises it has to see that it does not go on for ever.
    """

    default_code = "put_off"

    def __init__(
        self,
        msgid: str,
        *,
        after_seconds: float,
        code: str = "",
        params: dict[str, Any] | None = None,
    ) -> None:
        self.after_seconds = after_seconds
        super().__init__(msgid, code=code, params=params)


class JobStopped(BaseException):
    """Raised between two items to end the actor's run before its last item.

    A BaseException, like CancelledError: an author's `except Exception` around one item must not
    swallow it.
    """


class JobPaused(JobStopped):
    """Raised between two items because a pause was asked for, or the error budget is spent.

    `reason` is None when somebody asked; else it becomes the job's error.
    """

    def __init__(self, reason: dict[str, Any] | None = None) -> None:
        self.reason = reason
        super().__init__("paused")


class JobCancelled(JobStopped):
    """Raised between two items because a cancel was asked for."""


class JobHandedBack(JobStopped):
    """Raised between two items because this worker is stopping; another one goes on."""


class JobPutOff(JobStopped):
    """Raised by an actor whose work is not possible now: another attempt is made later.

    `after_seconds` is how much later, `msgid` what the page says meanwhile. It may be raised again
    and again: it is no failed attempt. Items that are done stay done; inside `item()` it says that
    nothing of that item has happened.
    """

    def __init__(
        self, after_seconds: float, msgid: str = "", params: dict[str, Any] | None = None
    ) -> None:
        self.after_seconds = after_seconds
        self.msgid = msgid
        self.params = params or {}
        super().__init__(msgid)


class JobFannedOut(JobStopped):
    """Raised when the job's parts go on with it, so that the attempt that made them ends."""


class LeaseLost(JobStopped):
    """Raised when another worker holds the job: this one may not write any more."""

    def __init__(self, job_id: str, epoch: int) -> None:
        self.job_id = job_id
        self.epoch = epoch
        super().__init__(f"Job {job_id} has moved on; attempt {epoch} may not write any more.")
