"""One document and its lines."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.edi.models import Document, EdiFile

LINES_PER_PAGE = 100


@login_required
@require_safe
def document(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a document to those who may see the file that it came in."""
    visible = EdiFile.objects.visible_to(request.user)
    found = get_object_or_404(
        Document.objects.filter(message__interchange__file__in=visible).select_related(
            "partner", "message__interchange__file"
        ),
        pk=pk,
    )
    page = Paginator(found.lines.order_by("position"), LINES_PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {"document": found, "file": found.message.interchange.file, "page": page}
    return render(request, "edi/document.html", context)
