"""`SSEProgressTracker`, for plain actors, threads and management commands.

It says what the guide's events say, and keeps the row in step, so that the bar is right whether the
caller uses the tracker, the row's own methods, or both. A progress actor has `ProgressTracker`
instead, which also survives a crash.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest, Now

from apps.core import ledger
from apps.core.errors import UnknownJobError
from apps.core.models import SSEProgress
from apps.core.models.queryset import plain_lease_end
from apps.core.signals import job_changed
from apps.core.statuses import LEASED, TERMINAL, Status


class SSEProgressTracker:
    """Sends a job's events: start, progress, warning, complete, error.

    Raises:
        UnknownJobError: when no row has this job id.
    """

    def __init__(self, job_id: object) -> None:
        self.job_id = str(job_id)
        self._row()

    def send_start(self, total: int | None = None, message: str = "") -> None:
        """Say that the work begins, and how many items there are."""
        row = self._row()
        if row.status == Status.PENDING:
            row.mark_as_started()
        values: dict[str, Any] = {} if total is None else {"total_items": total}
        self._write("start", urgent=True, message=message, **values)

    def send_progress(self, current: int, total: int | None = None, message: str = "") -> None:
        """Say that `current` items of `total` are done. The bar never goes back."""
        if self._row().status == Status.PENDING:
            self.send_start(total)
        values: dict[str, Any] = {} if total is None else {"total_items": total}
        self._write(
            "progress",
            message=message,
            processed_items=Greatest(F("processed_items"), Value(current)),
            **values,
        )

    def send_warning(self, message: str) -> None:
        """Say something that a person should look at."""
        if self._row().status == Status.PENDING:
            self.send_start()
        with transaction.atomic():
            # The count first: it locks the row, so that two threads don't write the same line.
            if self._write("warning", warning_count=F("warning_count") + 1):
                ledger.remark(self._row(), message, ref="", code="", params={})

    def send_complete(self, total: int | None = None, message: str = "") -> None:
        """Say that the work is done. A job that is over otherwise stays as it is."""
        if self._row().status == Status.PENDING:
            self.send_start(total)
        row = self._row()
        if row.status not in TERMINAL:
            if total is not None and row.total_items is None:
                self._write("progress", total_items=total)
            row.mark_as_completed()
        if self._row().status == Status.COMPLETED:
            self._write("complete", urgent=True, over=True, message=message)

    def send_error(self, error: str) -> None:
        """Say that the work could not be done."""
        row = self._row()
        if row.status not in TERMINAL:
            row.mark_as_failed(error)

    def _row(self) -> SSEProgress:
        row = SSEProgress.objects.filter(job_id=self.job_id).first()
        if row is None:
            raise UnknownJobError(self.job_id)
        return row

    def _write(
        self,
        kind: str,
        *,
        urgent: bool = False,
        over: bool = False,
        message: str = "",
        **values: Any,
    ) -> bool:
        """Write to the row while it is running (or `over` well), announce it, and tell if so."""
        if message:
            values |= {"message": message, "message_params": {}}
        guarded = SSEProgress.objects.filter(
            job_id=self.job_id, status__in=(Status.COMPLETED,) if over else LEASED
        )
        if not over:
            values["lease_until"] = plain_lease_end()
        if not guarded.update(seq=F("seq") + 1, updated_at=Now(), **values):
            return False
        job_changed.send(SSEProgress, job=self._row(), kind=kind, urgent=urgent)
        return True
