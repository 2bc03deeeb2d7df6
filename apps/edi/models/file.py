"""Files: what came in, byte for byte."""

from __future__ import annotations

import uuid
from typing import BinaryIO, cast

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class FileStatus(models.TextChoices):
    """How far a file has come."""

    RECEIVED = "received", pgettext_lazy("file", "received")
    SCANNED = "scanned", pgettext_lazy("file", "checked")
    IMPORTED = "imported", pgettext_lazy("file", "imported")
    PARTIAL = "partial", pgettext_lazy("file", "partly imported")
    REJECTED = "rejected", pgettext_lazy("file", "refused")
    QUARANTINED = "quarantined", pgettext_lazy("file", "to decide")
    UNSUPPORTED = "unsupported", pgettext_lazy("file", "not ours to read")
    DUPLICATE = "duplicate", pgettext_lazy("file", "duplicate")


#: While a file is in one of these, the same bytes are not imported again.
TAKEN = (FileStatus.SCANNED, FileStatus.IMPORTED, FileStatus.PARTIAL)


def private_path(_file: EdiFile, _name: str) -> str:
    """Name the stored file so that nothing of the partner's name becomes a path."""
    return f"edi/{uuid.uuid4()}"


class EdiFileQuerySet(models.QuerySet["EdiFile"]):
    """Querying files."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> EdiFileQuerySet:
        """Keep what a user may see: their own files, all of them for staff."""
        if not user.is_authenticated:
            return self.none()
        if getattr(user, "is_staff", False):
            return self
        return self.filter(Q(uploaded_by=user.pk))


class EdiFile(models.Model):
    """One file, uploaded or found in the watched folder; the input of one job."""

    name = models.CharField(_("name"), max_length=200)
    content = models.FileField(_("content"), upload_to=private_path)
    sha256 = models.CharField("SHA-256", max_length=64)
    size = models.PositiveBigIntegerField(_("size"))
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="edi_files",
        verbose_name=_("uploaded by"),
        help_text=_("Empty for a file from the watched folder."),
    )
    #: What the watched folder calls this pick-up: a killed watcher does not repeat it.
    pickup = models.UUIDField(null=True, blank=True, unique=True, editable=False)
    created_at = models.DateTimeField(_("received at"), auto_now_add=True)
    standard = models.CharField(_("format"), max_length=10, blank=True)
    status = models.CharField(
        _("status"), max_length=12, choices=FileStatus, default=FileStatus.RECEIVED
    )
    duplicate_of = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, verbose_name=_("duplicate of")
    )
    job = models.ForeignKey(
        "core.SSEProgress",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("job"),
    )

    objects = EdiFileQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("EDI file")
        verbose_name_plural = _("EDI files")
        constraints = [
            models.UniqueConstraint(
                fields=["sha256"], condition=Q(status__in=TAKEN), name="edi_same_bytes_once"
            ),
            models.CheckConstraint(
                condition=Q(status__in=FileStatus.values), name="edi_known_file_status"
            ),
        ]

    def __str__(self) -> str:
        """Return the file's name."""
        return self.name

    def get_absolute_url(self) -> str:
        """Return the page that shows the job and what became of each message."""
        return reverse("edi:file", args=[self.pk])

    def open(self) -> BinaryIO:
        """Open the bytes for reading.

        Raises:
            OSError: they are gone.
        """
        return cast(BinaryIO, self.content.open("rb"))
