"""The ledger in the administration: for looking at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from apps.reports.models import Ledger, LedgerEntry, Report

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


@admin.register(Ledger)
class LedgerAdmin(ReadOnlyAdmin):
    """Whose books these are."""

    list_display = ["name", "siren"]


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    """Every line of the ledger."""

    list_display = ["__str__", "date", "account", "auxiliary", "label", "debit", "credit", "letter"]
    list_filter = ["journal", "year", "account", "piece_kind"]
    search_fields = ["piece", "auxiliary", "auxiliary_label"]
    date_hierarchy = "date"


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    """Who asked for what when."""

    list_display = ["__str__", "owner", "created_at", "rows", "size", "expires_at"]
    list_filter = ["kind", "format"]
    list_select_related = ["owner"]
