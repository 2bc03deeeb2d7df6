"""A right that one process at a time may hold, such as to run the schedule.

It lives in the database because that is the one server without which nothing goes on anyway: a
Valkey that is away or flushed changes nothing about who holds what.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core.clock import FromNow

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class LeaseQuerySet(models.QuerySet["Lease"]):
    """Leases. All times are the database's own, because several machines' clocks differ."""

    def take(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease for so many seconds from now; False while somebody else holds it.

        A lease that ends later than any would is free too: the database's clock was put back.
        """
        too_late = FromNow(2 * seconds)
        free = Q(holder__in=("", holder)) | Q(until__lt=Now()) | Q(until__gt=too_late)
        values = {"holder": holder, "until": FromNow(seconds)}
        if self.filter(name=name).filter(free).update(**values):
            return True
        if self.filter(name=name).exists():
            return False
        # The very first time. Several may get here at once; the update lets one of them through.
        self.bulk_create([self.model(name=name, until=LONG_AGO)], ignore_conflicts=True)
        return bool(self.filter(name=name).filter(free).update(**values))

    def release(self, name: str, holder: str) -> bool:
        """Give a lease back; False when `holder` had lost it already."""
        return bool(self.filter(name=name, holder=holder).update(holder="", until=Now()))


class Lease(models.Model):
    """Who may do something that only one at a time should do, and until when."""

    name = models.CharField(_("name"), max_length=64, primary_key=True)
    #: Empty while nobody holds it.
    holder = models.CharField(_("holder"), max_length=200, blank=True)
    until = models.DateTimeField(_("until"))

    objects = LeaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("lease")
        verbose_name_plural = _("leases")

    def __str__(self) -> str:
        return f"{self.name}: {self.holder or '–'}"
