"""The account that mails leave by, as all workers share it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.texts import render


class MailAccount(models.Model):
    """What one mail server lets one login do, and whether it is shut to us just now.

    A row of its own, because its provider counts the mails of all workers together, and because a
    login that one worker was refused must not be tried by the next.
    """

    #: `user@host:port`, or the class of a backend that is no SMTP.
    name = models.CharField(_("account"), max_length=300, unique=True)
    #: Closures in a row since the server last took a mail.
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    #: No mail is tried before; the words say why.
    closed_until = models.DateTimeField(_("closed until"), null=True, blank=True)
    msgid = models.TextField(_("reason"), blank=True)
    answer = models.TextField(_("server's words"), blank=True)
    #: When the next mail may leave, where mails a minute are limited.
    next_at = models.DateTimeField(null=True, blank=True)
    #: Mails let through on `day`, where mails a day are limited.
    day = models.DateField(null=True, blank=True)
    sent = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("mail account")
        verbose_name_plural = _("mail accounts")

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    @property
    def reason(self) -> str:
        """Say in the active language why it is closed."""
        return render(self.msgid, {"answer": self.answer})
