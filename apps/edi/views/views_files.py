"""The list of files, with the form that takes new ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_safe

from apps.core.statuses import LEASED, Status
from apps.edi import pills
from apps.edi.intake import max_bytes
from apps.edi.models import EdiFile, FileStatus, Interchange

FILES_PER_PAGE = 50
#: Running imports whose bars are shown.
MOST_BARS = 4

#: Name of a tab → its label and the files in it.
TABS: dict[str, tuple[Any, Q]] = {
    "": (pgettext_lazy("files", "All"), Q()),
    "decide": (
        pgettext_lazy("files", "To decide"),
        Q(interchanges__status="quarantined") | Q(interchanges__messages__status="quarantined"),
    ),
    "trouble": (
        pgettext_lazy("files", "With errors"),
        Q(status__in=[FileStatus.REJECTED, FileStatus.PARTIAL]),
    ),
    "imported": (pgettext_lazy("files", "Imported"), Q(status=FileStatus.IMPORTED)),
}


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One filter of the list, with the number of files it would show."""

    name: str
    label: Any
    count: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """A file as a line of the list."""

    file: EdiFile
    pill: pills.Pill
    sender: str
    imported: int
    messages: int


@login_required
@require_safe
def file_list(request: HttpRequest) -> HttpResponse:
    """Show the reader's files, newest first, and the imports under way."""
    search = request.GET.get("q", "").strip()
    visible = EdiFile.objects.visible_to(request.user)
    if search:
        visible = visible.filter(
            Q(name__icontains=search)
            | Q(interchanges__sender__icontains=search)
            | Q(interchanges__partner__name__icontains=search)
            | Q(interchanges__reference__icontains=search)
        ).distinct()
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else ""
    tabs = [
        Tab(name=name, label=label, count=_within(visible, wanted).count())
        for name, (label, wanted) in TABS.items()
    ]
    shown = _within(visible, TABS[tab][1]).select_related("job").order_by("-pk")
    page = Paginator(shown, FILES_PER_PAGE).get_page(request.GET.get("page"))
    running = (
        visible.filter(job__status__in=[Status.PENDING, *LEASED])
        .select_related("job")
        .order_by("-pk")
    )
    context = {
        "tabs": tabs,
        "tab": tab,
        "search": search,
        "page": page,
        "rows": _rows(list(page)),
        "running": running[:MOST_BARS],
        "max_bytes": max_bytes(),
    }
    return render(request, "edi/list.html", context)


def _within(files: QuerySet[EdiFile], wanted: Q) -> QuerySet[EdiFile]:
    return files.filter(pk__in=EdiFile.objects.filter(wanted).values("pk")) if wanted else files


def _rows(files: list[EdiFile]) -> list[Row]:
    """Add what is in the files, with one question for all of them."""
    counts = {
        row["pk"]: row
        for row in EdiFile.objects.filter(pk__in=[file.pk for file in files])
        .order_by()
        .values("pk")
        .annotate(
            messages=Count("interchanges__messages"),
            imported=Count(
                "interchanges__messages", filter=Q(interchanges__messages__status="imported")
            ),
        )
    }
    senders: dict[int, str] = {}
    first = Interchange.objects.filter(file__in=files, position=1).select_related("partner")
    for interchange in first:
        senders[interchange.file_id] = (
            interchange.partner.name if interchange.partner else interchange.sender
        )
    return [
        Row(
            file=file,
            pill=pills.of_file(file),
            sender=senders.get(file.pk, ""),
            imported=counts[file.pk]["imported"],
            messages=counts[file.pk]["messages"],
        )
        for file in files
    ]
