"""Mailings: invoices sent together."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class MailingMode(models.TextChoices):
    """Whom the e-mails of a mailing reach."""

    LIVE = "live", _("to the customers")
    #: Everything as in earnest, but each e-mail goes to whoever sends.
    REDIRECT = "redirect", _("all of them to me")
    #: Everything but the sending.
    DRY_RUN = "dry_run", _("to nobody: only check")


class MailingQuerySet(models.QuerySet["Mailing"]):
    """Querying mailings."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> MailingQuerySet:
        """Keep what a user may see: their own mailings, all of them for staff."""
        if not user.is_authenticated:
            return self.none()
        if getattr(user, "is_staff", False):
            return self
        return self.filter(Q(created_by=user.pk))


class Mailing(models.Model):
    """Invoices sent together by one person; the input of one job.

    An empty subject or body means the standard letter, in each customer's language.
    """

    subject = models.CharField(_("subject"), max_length=200, blank=True)
    body = models.TextField(_("body"), blank=True)
    mode = models.CharField(_("mode"), max_length=10, choices=MailingMode, default=MailingMode.LIVE)
    redirect_to = models.EmailField(_("redirected to"), blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="mailings", verbose_name=_("sent by")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    job = models.ForeignKey(
        "core.SSEProgress",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("job"),
    )

    objects = MailingQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("mailing")
        verbose_name_plural = _("mailings")
        constraints = [
            models.CheckConstraint(
                condition=Q(mode__in=MailingMode.values), name="invoices_known_mode"
            ),
            models.CheckConstraint(
                condition=(Q(mode=MailingMode.REDIRECT) & ~Q(redirect_to=""))
                | (~Q(mode=MailingMode.REDIRECT) & Q(redirect_to="")),
                name="invoices_redirected_somewhere",
            ),
        ]

    def __str__(self) -> str:
        """Return the mailing's number."""
        return f"#{self.pk}"

    def get_absolute_url(self) -> str:
        """Return the page that shows the job and each mail's outcome."""
        return reverse("invoices:mailing", args=[self.pk])
