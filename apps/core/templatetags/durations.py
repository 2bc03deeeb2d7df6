"""Write a duration for people: `{{ seconds|duration }}` → "1 min 08 s"."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext

register = template.Library()


@register.filter
def duration(seconds: int | None) -> str:
    """Write whole seconds with the two units that matter; "–" for None."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return gettext("%(s)d s") % {"s": seconds}
    minutes, s = divmod(int(seconds), 60)
    if minutes < 60:
        return gettext("%(m)d min %(s)02d s") % {"m": minutes, "s": s}
    hours, m = divmod(minutes, 60)
    if hours < 48:
        return gettext("%(h)d h %(m)02d min") % {"h": hours, "m": m}
    days, h = divmod(hours, 24)
    return gettext("%(d)d d %(h)d h") % {"d": days, "h": h}
