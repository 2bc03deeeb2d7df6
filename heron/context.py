"""What every page's frame needs: the entries of the navigation and who is reading."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from apps.core.models import SSEProgress
from apps.core.statuses import LEASED


@dataclass(frozen=True, kw_only=True)
class NavItem:
    """One entry of the navigation."""

    label: str
    url: str
    icon: str
    #: Whether the reader is on this page or on one below it.
    is_current: bool
    #: Whether it is this very page.
    is_page: bool
    #: Shown behind the label unless it is 0; `count_label` says what is counted.
    count: int = 0
    count_label: str = ""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """The person who is logged in, as the frame shows them."""

    name: str
    initials: str


def frame(request: HttpRequest) -> dict[str, object]:
    """Return `nav_items` and `reader` for a logged-in reader, nothing for anybody else."""
    user = getattr(request, "user", None)
    if not isinstance(user, AbstractUser):
        return {}
    return {"nav_items": _nav_items(request, user), "reader": _reader(user)}


def _nav_items(request: HttpRequest, user: AbstractUser) -> list[NavItem]:
    running = SSEProgress.objects.visible_to(user).filter(status__in=LEASED).count()
    items = [
        _item(request, "invoices:list", gettext("Invoices"), "invoice"),
        _item(request, "edi:list", gettext("EDI"), "upload"),
        _item(request, "reports:list", gettext("Reports"), "report"),
        _item(
            request,
            "core:jobs",
            gettext("Jobs"),
            "box",
            count=running,
            count_label=ngettext("running", "running", running),
        ),
    ]
    if user.is_staff and settings.HERON_MAILBOX_DIR:
        items.append(_item(request, "invoices:mailbox", gettext("Mailbox"), "mail"))
    if user.is_staff:
        items.append(_item(request, "admin:index", gettext("Admin"), "gear"))
    return _only_nearest_current(items)


def _item(
    request: HttpRequest,
    view_name: str,
    label: str,
    icon: str,
    *,
    count: int = 0,
    count_label: str = "",
) -> NavItem:
    url = reverse(view_name)
    return NavItem(
        label=label,
        url=url,
        icon=icon,
        is_current=request.path.startswith(url),
        is_page=request.path == url,
        count=count,
        count_label=count_label,
    )


def _only_nearest_current(items: list[NavItem]) -> list[NavItem]:
    """Leave one entry current: /invoices/mailbox/ lies below /invoices/ but is not of it."""
    current = [item.url for item in items if item.is_current]
    nearest = max(current, key=len, default="")
    return [
        item if item.url == nearest or not item.is_current else replace(item, is_current=False)
        for item in items
    ]


def _reader(user: AbstractUser) -> Reader:
    name = user.get_full_name() or user.get_username()
    words = name.replace(".", " ").split()
    return Reader(name=name, initials="".join(word[0] for word in words[:2]).upper())
