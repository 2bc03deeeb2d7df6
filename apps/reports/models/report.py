"""Reports that people asked for, and the files that came of it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.reports.periods import Period

#: Days for which a file is kept.
KEEP_DAYS = 30


def expiry() -> Any:
    """Give the end of a file's life that begins now."""
    return timezone.now() + timedelta(days=KEEP_DAYS)


class ReportQuerySet(models.QuerySet["Report"]):
    """Querying reports."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> ReportQuerySet:
        """Keep what a user may see: their own reports, all of them for staff."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if getattr(user, "is_staff", False):
            return self
        return self.filter(owner_id=user.pk)

    def expired(self) -> ReportQuerySet:
        """Keep those whose file is past its time, and still there."""
        return self.exclude(stored_name="").filter(expires_at__lte=timezone.now())


class Report(models.Model):
    """One report: what was asked for, and its file once there is one. Its state is its job's."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="reports",
        verbose_name=_("asked for by"),
    )
    kind = models.CharField(_("kind"), max_length=30)
    format = models.CharField(_("format"), max_length=10)
    period = models.JSONField(_("period"))
    job = models.ForeignKey(
        "core.SSEProgress",
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("job"),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    #: In the folder of the files; empty while there is none.
    stored_name = models.CharField(max_length=120, blank=True)
    #: As people get it.
    file_name = models.CharField(_("file"), max_length=120, blank=True)
    size = models.PositiveBigIntegerField(_("size"), null=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    rows = models.PositiveIntegerField(_("number of rows"), null=True)
    #: Pairs of a column's name and its sum in cents.
    control_totals = models.JSONField(_("control totals"), default=list)
    snapshot_at = models.DateTimeField(_("state of the ledger"), null=True)
    expires_at = models.DateTimeField(_("kept until"), null=True)

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        indexes = [models.Index(fields=["owner", "-created_at"], name="reports_by_owner")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(stored_name="")
                | models.Q(size__isnull=False, expires_at__isnull=False),
                name="reports_file_has_its_facts",
            ),
        ]

    def __str__(self) -> str:
        """Return what was asked for."""
        return f"{self.kind}.{self.format} #{self.pk}"

    def get_absolute_url(self) -> str:
        """Return the report's page."""
        return reverse("reports:report", args=[self.pk])

    @property
    def asked(self) -> Period:
        """The time that it is about."""
        return Period.from_json(self.period)

    @property
    def is_expired(self) -> bool:
        """Whether its file was kept for long enough."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def has_file(self) -> bool:
        """Whether its file may be downloaded."""
        return bool(self.stored_name) and not self.is_expired
