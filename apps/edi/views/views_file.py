"""One file: its job's bar, its interchanges, and what became of each message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Case, Count, When
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from apps.edi import acknowledgements, excerpts, pills
from apps.edi.models import (
    EdiFault,
    EdiFile,
    EdiMessage,
    Interchange,
    InterchangeStatus,
    MessageStatus,
    Reason,
)
from apps.edi.views.views_files import Tab

MESSAGES_PER_PAGE = 50
#: Interchanges and faults of a kind that a page shows; the rest is counted.
MOST_INTERCHANGES = 20
MOST_FAULTS = 10


@dataclass(frozen=True, kw_only=True)
class FaultRow:
    """A fault in words, with the segment it is about."""

    fault: EdiFault
    excerpt: str


@dataclass(frozen=True, kw_only=True)
class InterchangeCard:
    """An interchange with what has to be decided about it."""

    interchange: Interchange
    pill: pills.Pill
    faults: list[FaultRow]
    reason: Any
    needs_decision: bool
    needs_partner: bool


@dataclass(frozen=True, kw_only=True)
class MessageRow:
    """A message as a line of the table."""

    message: EdiMessage
    pill: pills.Pill
    faults: list[FaultRow]
    needs_decision: bool


@login_required
@require_safe
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a file to who uploaded it and to staff; 404 for anybody else."""
    visible = EdiFile.objects.visible_to(request.user)
    found = get_object_or_404(visible.select_related("job", "uploaded_by", "duplicate_of"), pk=pk)
    # Those that wait for a person first: all of them must be within reach.
    waits = Case(When(status=InterchangeStatus.QUARANTINED, then=0), default=1)
    interchanges = found.interchanges.select_related(
        "partner", "conflicts_with__file", "decided_by"
    ).order_by(waits, "position")
    tabs = _tabs(found)
    tab = request.GET.get("status", "")
    tab = tab if tab in {each.name for each in tabs} else ""
    messages = EdiMessage.objects.filter(interchange__file=found)
    if tab:
        messages = messages.filter(status=tab)
    page = Paginator(
        messages.select_related("interchange", "document", "conflicts_with").order_by(
            "interchange__position", "position"
        ),
        MESSAGES_PER_PAGE,
    ).get_page(request.GET.get("page"))
    whole = list(found.faults.filter(interchange=None)[:MOST_FAULTS])
    context = {
        "file": found,
        "pill": pills.of_file(found),
        "file_faults": _with_excerpts(found, whole),
        "cards": [_card(found, each) for each in interchanges[:MOST_INTERCHANGES]],
        "more_interchanges": max(0, interchanges.count() - MOST_INTERCHANGES),
        "tabs": tabs,
        "tab": tab,
        "page": page,
        "rows": _rows(found, list(page)),
    }
    return render(request, "edi/file.html", context)


@login_required
@require_safe
def content(request: HttpRequest, pk: int) -> FileResponse:
    """Give the file back as it came, always as a download."""
    found = get_object_or_404(EdiFile.objects.visible_to(request.user), pk=pk)
    try:
        stored = found.content.open("rb")
    except OSError as error:
        raise Http404 from error
    return FileResponse(
        stored,
        as_attachment=True,
        filename=found.name,
        content_type="application/octet-stream",
    )


@login_required
@require_safe
def acknowledgement(request: HttpRequest, pk: int) -> HttpResponse:
    """Download the CONTRL or 997 that answers an interchange."""
    visible = EdiFile.objects.visible_to(request.user)
    found = get_object_or_404(Interchange.objects.filter(file__in=visible), pk=pk)
    if not found.acknowledgement:
        raise Http404
    response = HttpResponse(
        found.acknowledgement.encode("iso8859-1", "replace"),
        content_type="application/octet-stream",
    )
    name = acknowledgements.file_name(found)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _tabs(file: EdiFile) -> list[Tab]:
    """List the states there are, in the order of their declaration."""
    rows = EdiMessage.objects.filter(interchange__file=file).order_by().values_list("status")
    counts = dict(rows.annotate(Count("pk")))
    return [
        Tab(name="", label=pgettext("messages", "All"), count=sum(counts.values())),
        *(
            Tab(name=status.value, label=status.label, count=counts[status.value])
            for status in MessageStatus
            if status.value in counts
        ),
    ]


def _card(file: EdiFile, interchange: Interchange) -> InterchangeCard:
    faults = list(interchange.faults.filter(message=None)[:MOST_FAULTS])
    waits = interchange.status == InterchangeStatus.QUARANTINED and bool(interchange.reason)
    return InterchangeCard(
        interchange=interchange,
        pill=pills.of_interchange(interchange),
        faults=_with_excerpts(file, faults),
        reason=Reason(interchange.reason).label if interchange.reason else "",
        needs_decision=waits,
        needs_partner=waits and interchange.reason == Reason.UNKNOWN_PARTNER,
    )


def _rows(file: EdiFile, messages: list[EdiMessage]) -> list[MessageRow]:
    faults: dict[int, list[EdiFault]] = {}
    for fault in EdiFault.objects.filter(message__in=messages).select_related("interchange"):
        told = faults.setdefault(fault.message_id or 0, [])
        if len(told) < MOST_FAULTS:
            told.append(fault)
    shown = _with_excerpts(file, [fault for each in faults.values() for fault in each])
    by_message: dict[int, list[FaultRow]] = {}
    for row in shown:
        by_message.setdefault(row.fault.message_id or 0, []).append(row)
    return [
        MessageRow(
            message=message,
            pill=pills.of_message(message),
            faults=by_message.get(message.pk, []),
            needs_decision=message.status == MessageStatus.QUARANTINED,
        )
        for message in messages
    ]


def _with_excerpts(file: EdiFile, faults: list[EdiFault]) -> list[FaultRow]:
    texts = excerpts.excerpts(file, faults)
    return [FaultRow(fault=fault, excerpt=texts.get(fault.pk, "")) for fault in faults]
