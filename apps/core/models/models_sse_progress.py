"""The row of one job: who owns it, where it stands, and its books."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.core.books import Books
from apps.core.models.queryset import SSEProgressQuerySet, plain_lease_end
from apps.core.signals import job_changed
from apps.core.statuses import LEASED, TERMINAL, Status
from apps.core.texts import render


def new_job_id() -> str:
    """Make a job id that nobody can guess."""
    return str(uuid.uuid4())


class SSEProgress(models.Model):
    """One run of an actor, as people see it.

    The guide's `mark_as_…` and `update_progress` are for plain actors, threads and commands, which
    own their row from start to end. Progress actors write through `ProgressTracker` instead, which
    is fenced by `epoch`.
    """

    job_id = models.CharField(
        _("job id"),
        max_length=64,
        primary_key=True,
        default=new_job_id,
        validators=[RegexValidator(r"^[A-Za-z0-9_-]{1,64}$")],
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="jobs",
        help_text=_("Empty for a job that the system started."),
    )
    task_type = models.CharField(_("kind of work"), max_length=64)
    title = models.CharField(_("title"), max_length=200, blank=True)
    title_params = models.JSONField(default=dict, blank=True)
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.PENDING
    )

    total_items = models.PositiveIntegerField(
        _("total"), null=True, blank=True, help_text=_("Empty while nobody knows.")
    )
    processed_items = models.PositiveIntegerField(_("processed"), default=0)
    failed_items = models.PositiveIntegerField(_("failed"), default=0)
    skipped_items = models.PositiveIntegerField(_("skipped"), default=0)
    in_doubt_items = models.PositiveIntegerField(_("in doubt"), default=0)
    success_count = models.GeneratedField(
        expression=F("processed_items")
        - F("failed_items")
        - F("skipped_items")
        - F("in_doubt_items"),
        output_field=models.IntegerField(_("done")),
        db_persist=True,
    )
    warning_count = models.PositiveIntegerField(_("warnings"), default=0)
    unit = models.JSONField(default=dict, blank=True)
    stage = models.JSONField(default=dict, blank=True)

    message = models.TextField(_("message"), blank=True)
    message_params = models.JSONField(default=dict, blank=True)
    result = models.JSONField(_("result"), default=dict, blank=True)
    error = models.JSONField(_("error"), default=dict, blank=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    language = models.CharField(_("language"), max_length=16, blank=True)

    #: The job that this one is a part of; its books are in its parent's sums.
    parent = models.ForeignKey(
        "self",
        verbose_name=_("part of"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="parts",
    )
    #: Which part of it, counted from 1.
    part = models.PositiveIntegerField(null=True, blank=True, editable=False)
    #: The work is done by parts; this row only sums them, and needs no lease.
    fanned_out = models.BooleanField(default=False)

    #: Empty for a plain job, which only its own code can start.
    actor = models.CharField(_("actor"), max_length=200, blank=True)
    queue = models.CharField(_("queue"), max_length=100, blank=True)
    args = models.JSONField(_("arguments"), default=dict, blank=True)
    cursor = models.JSONField(default=dict, blank=True)

    seq = models.PositiveBigIntegerField(default=0)
    epoch = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    worker = models.CharField(_("worker"), max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    rate = models.FloatField(null=True, blank=True)
    #: Back-off: no attempt before this time.
    not_before = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    enqueued_at = models.DateTimeField(_("enqueued"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    updated_at = models.DateTimeField(_("last life sign"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = SSEProgressQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="core_job_owner"),
            models.Index(fields=["status", "lease_until"], name="core_job_lease"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    processed_items__gte=F("failed_items")
                    + F("skipped_items")
                    + F("in_doubt_items")
                ),
                name="core_job_books",
            ),
            # An attempt that shares a job out again makes no part twice.
            models.UniqueConstraint(fields=["parent", "part"], name="core_one_job_per_part"),
        ]

    def __str__(self) -> str:
        return f"{self.task_type} {self.job_id}"

    def get_absolute_url(self) -> str:
        """Give the page of this job."""
        return reverse("core:job", args=[self.job_id])

    @property
    def is_terminal(self) -> bool:
        """Whether the job is over."""
        return self.status in TERMINAL

    @property
    def title_text(self) -> str:
        """The title in the active language; the kind of work when there is none."""
        return render(self.title, self.title_params) or self.task_type

    @property
    def books(self) -> Books:
        """The job's counts."""
        return Books(
            total=self.total_items,
            done=self.processed_items
            - self.failed_items
            - self.skipped_items
            - self.in_doubt_items,
            skipped=self.skipped_items,
            failed=self.failed_items,
            in_doubt=self.in_doubt_items,
        )

    # The guide's methods -------------------------------------------------------------------

    def mark_as_started(self) -> None:
        """Say that the work has begun; again, that this thread goes on with it."""
        row = SSEProgress.objects.move(
            self.job_id,
            Status.RUNNING,
            attempts=F("attempts") + 1,
            lease_until=plain_lease_end(),
        )
        self._took(row, "start", urgent=True)
        if row is None and self.status in LEASED:
            SSEProgress.objects.filter(job_id=self.job_id, status__in=LEASED).update(
                lease_until=plain_lease_end()
            )
            job_changed.send(SSEProgress, job=self, kind="start", urgent=False)

    def update_progress(
        self, processed: int = 0, failed: int = 0, message: str | None = None
    ) -> None:
        """Add to the counts: `processed` items more, of which `failed` failed.

        A failed item is a processed one too, so `failed=1` alone counts one processed. Written at
        once; the event is sent at most once per FLUSH_SECONDS. A job that is over is not changed.
        """
        if self.status == Status.PENDING:
            self.mark_as_started()
        values: dict[str, Any] = {
            "processed_items": F("processed_items") + max(processed, failed),
            "failed_items": F("failed_items") + failed,
        }
        if message is not None:
            values |= {"message": message, "message_params": {}}
        written = SSEProgress.objects.filter(job_id=self.job_id, status__in=LEASED).update(
            seq=F("seq") + 1, updated_at=Now(), lease_until=plain_lease_end(), **values
        )
        self.refresh_from_db()
        if written:
            job_changed.send(SSEProgress, job=self, kind="progress", urgent=False)

    def mark_as_completed(self) -> None:
        """Say that the work is done.

        When items were counted, they must add up to the total: otherwise the job ends as failed,
        with that as its error. When none ever were, the word of the caller stands for all of them.
        """
        self.refresh_from_db()
        if self.status == Status.PENDING:
            self.mark_as_started()
        books = self.books
        values: dict[str, Any] = {}
        if books.processed == 0 or books.total is None:
            values = {
                "total_items": books.total if books.total is not None else books.processed,
                "processed_items": books.total if books.total is not None else books.processed,
            }
        elif not books.closed:
            self._fail(unbalanced(books))
            return
        self._took(
            SSEProgress.objects.move(self.job_id, Status.COMPLETED, **values),
            "complete",
            urgent=True,
        )

    def mark_as_failed(self, error_message: str = "") -> None:
        """Say that the work could not be done, and why."""
        self._fail({"code": "failed", "message": str(error_message)})

    def _fail(self, error: dict[str, Any]) -> None:
        row = SSEProgress.objects.move(self.job_id, Status.FAILED, error=error)
        self._took(row, "error", urgent=True)

    def _took(self, row: SSEProgress | None, kind: str, *, urgent: bool) -> None:
        """Read the row back, and tell the world if a move was made."""
        self.refresh_from_db()
        if row is not None:
            job_changed.send(SSEProgress, job=self, kind=kind, urgent=urgent)


def unbalanced(books: Books) -> dict[str, Any]:
    """Describe books that do not add up, as a job's error."""
    return {
        "code": "books",
        "message": gettext_noop(
            "The books do not balance: %(processed)s of %(total)s items are accounted for."
        ),
        "params": {"processed": books.processed, "total": books.total},
    }
