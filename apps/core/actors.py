"""Turn a plain function into an actor whose progress people can watch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, Generic, ParamSpec

import dramatiq
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils import translation

from apps.core.budget import ErrorBudget
from apps.core.current import current_job_id
from apps.core.errors import NotAJobError
from apps.core.handoff import JOB_OPTION, ring_on_commit
from apps.core.models import SSEProgress
from apps.core.runner import run
from apps.core.signals import job_changed
from apps.core.tracker import ProgressTracker

P = ParamSpec("P")

DEFAULT_BUDGET = ErrorBudget()


class ProgressActor(dramatiq.Actor[..., None], Generic[P]):
    """An actor that is started with `start_for` and gets a tracker as its first argument.

    `actor.fn(tracker, …)` calls the plain function, for tests.
    """

    def __init__(
        self,
        fn: Callable[Concatenate[ProgressTracker, P], None],
        *,
        task_type: str,
        title: str,
        unit: tuple[str, str] | None,
        budget: ErrorBudget | None,
        retries: int,
        **dramatiq_options: Any,
    ) -> None:
        self.task_type = task_type
        self.title = title
        self.unit = unit
        self.budget = budget
        self.retries = retries
        super().__init__(fn, **dramatiq_options)

    def start_for(
        self, owner: AbstractBaseUser | None, /, *args: P.args, **kwargs: P.kwargs
    ) -> SSEProgress:
        """Create the job and tell the workers once the caller's transaction has committed.

        `owner` may watch and steer it; None is the system. The arguments are kept in the row, so
        they must be JSON. With the broker away the job waits and starts by itself later.
        """
        unit = {"one": self.unit[0], "other": self.unit[1]} if self.unit else {}
        with transaction.atomic():
            job = SSEProgress.objects.create(
                user_id=owner.pk if owner is not None else None,
                task_type=self.task_type,
                title=self.title,
                unit=unit,
                language=translation.get_language() or "",
                actor=self.actor_name,
                queue=self.queue_name,
                args={"args": list(args), "kwargs": kwargs},
            )
            job_changed.send(SSEProgress, job=job, kind="progress", urgent=True)
            ring_on_commit(job)
        return job

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Make an attempt at the job that the current message is about.

        Raises:
            NotAJobError: outside of a worker, or for a message without a job.
        """
        job_id = current_job_id.get()
        if job_id is None:
            raise NotAJobError(self.actor_name)
        run(job_id, self.fn, self.budget, retries=self.retries)

    def message_with_options(
        self,
        *,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        **options: Any,
    ) -> dramatiq.Message[None]:
        """Refuse a message without a job: `send()` would run it where nobody sees it."""
        if JOB_OPTION not in options:
            raise NotAJobError(self.actor_name)
        return super().message_with_options(args=args, kwargs=kwargs, **options)


def progress_actor(
    *,
    task_type: str,
    queue_name: str = "default",
    title: str = "",
    unit: tuple[str, str] | None = None,
    budget: ErrorBudget | None = DEFAULT_BUDGET,
    retries: int = 0,
    actor_name: str | None = None,
    priority: int = 0,
) -> Callable[[Callable[Concatenate[ProgressTracker, P], None]], ProgressActor[P]]:
    """Declare an actor whose progress is kept in a row and shown live.

    Args:
        task_type: The kind of work, for filters.
        queue_name: The queue; one per kind of work, so that short jobs don't wait for long ones.
        title: What people call the job; a msgid.
        unit: What is counted, as singular and plural msgids.
        budget: How many of the last items may fail before the job pauses itself; None for all.
        retries: Further attempts after an error that nobody foresaw, each after a longer wait and
            from where the last one stopped. An attempt whose worker dies is not counted here.
        actor_name: Dramatiq's name; the module and function by default, so that two apps may both
            have a `run`.
        priority: Dramatiq's priority.
    """

    def decorate(fn: Callable[Concatenate[ProgressTracker, P], None]) -> ProgressActor[P]:
        return ProgressActor(
            fn,
            task_type=task_type,
            title=title,
            unit=unit,
            budget=budget,
            retries=retries,
            broker=dramatiq.get_broker(),
            actor_name=actor_name or f"{fn.__module__}.{fn.__qualname__}",
            queue_name=queue_name,
            priority=priority,
            # Attempts, back-off and deadlines are the row's business; see workers/broker.py.
            options={},
        )

    return decorate
