"""The EDI desk in the administration: partners are edited, the rest is for looking at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from apps.edi.models import Document, EdiFault, EdiFile, EdiMessage, Interchange, Partner

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:  # Django's class takes no parameters at run time
    ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Facts that nobody edits by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes."""
        return False


@admin.register(Partner)
class PartnerAdmin(ModelAdmin):
    """Partners and what is let pass of their files."""

    list_display = ["name", "edi_id", "qualifier", "envelope_policy", "is_active"]
    list_filter = ["envelope_policy", "duplicate_policy", "is_active"]
    search_fields = ["name", "edi_id", "gln"]


@admin.register(EdiFile)
class EdiFileAdmin(ReadOnlyAdmin):
    """What came in."""

    list_display = ["name", "standard", "size", "status", "uploaded_by", "created_at"]
    list_filter = ["status", "standard"]
    list_select_related = ["uploaded_by"]
    search_fields = ["name", "sha256"]
    date_hierarchy = "created_at"
    # The path on the server is nobody's business; the desk's page offers the download.
    exclude = ["content"]


@admin.register(Interchange)
class InterchangeAdmin(ReadOnlyAdmin):
    """Who sent what."""

    list_display = ["__str__", "partner", "sender", "status", "reason", "file"]
    list_filter = ["status", "reason", "standard"]
    list_select_related = ["partner", "file"]
    search_fields = ["reference", "sender"]


@admin.register(EdiMessage)
class EdiMessageAdmin(ReadOnlyAdmin):
    """Every message's fate."""

    list_display = ["__str__", "interchange", "segments", "announced", "status"]
    list_filter = ["status", "type"]
    list_select_related = ["interchange"]
    search_fields = ["reference"]


@admin.register(EdiFault)
class EdiFaultAdmin(ReadOnlyAdmin):
    """What was found wrong."""

    list_display = ["code", "sentence", "file", "interchange", "message", "segment", "is_warning"]
    list_filter = ["level", "is_warning"]
    list_select_related = ["file", "interchange", "message"]


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    """Orders, despatch advices and invoices."""

    list_display = ["number", "kind", "partner", "date", "total", "status"]
    list_filter = ["kind", "status"]
    list_select_related = ["partner"]
    search_fields = ["number", "partner__name"]
    date_hierarchy = "date"
