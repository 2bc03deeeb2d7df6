"""The ledger: one row for each item whose outcome is not plain success."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.texts import render


class Outcome(models.TextChoices):
    """How an item ended. Plain success has no row: the job's cursor tells it."""

    SKIPPED = "skipped", _("Skipped")
    FAILED = "failed", _("Failed")
    IN_DOUBT = "in_doubt", _("In doubt")
    #: A failed item that a retry will take up first.
    RETRY = "retry", _("To be retried")
    #: Done, by the word of a person, or again after their decision; kept for who decided.
    DONE = "done", _("Done")
    #: Not an item: a remark that the actor made.
    WARNING = "warning", _("Warning")


class Decision(models.TextChoices):
    """What a person may say about an item in doubt, and later reads about it."""

    AGAIN = "again", _("To be done again")
    DONE = "done", _("Marked as done")
    SKIP = "skip", _("Skipped by hand")


class JobItem(models.Model):
    """One line of a job's ledger."""

    job = models.ForeignKey("core.SSEProgress", on_delete=models.CASCADE, related_name="items")
    #: Which `track()` of the actor the item belongs to, counted from 1; 0 for remarks.
    track = models.PositiveSmallIntegerField(default=1)
    key = models.CharField(_("key"), max_length=200)
    #: What a person calls the item (an invoice's number).
    ref = models.CharField(_("reference"), max_length=200, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices)
    code = models.CharField(_("code"), max_length=64, blank=True)
    message = models.TextField(_("message"), blank=True)
    params = models.JSONField(_("parameters"), default=dict, blank=True)
    at = models.DateTimeField(_("at"), auto_now=True)
    #: What a person decided about the item when it was in doubt, who and when.
    decision = models.CharField(
        _("decision"), max_length=10, choices=Decision.choices, blank=True, default=""
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("decided by"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        verbose_name = _("job item")
        verbose_name_plural = _("job items")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["job", "track", "key"], name="core_one_outcome_per_item"
            ),
        ]
        indexes = [models.Index(fields=["job", "outcome"], name="core_item_job_outcome")]

    def __str__(self) -> str:
        return f"{self.ref or self.key}: {self.outcome}"

    @property
    def text(self) -> str:
        """The message in the active language."""
        return render(self.message, self.params)
