"""Jobs in the admin: facts to read, filter and search; nothing to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from apps.core.models import JobItem, SSEProgress

if TYPE_CHECKING:
    ItemInline = admin.TabularInline[JobItem, SSEProgress]
    JobAdmin = admin.ModelAdmin[SSEProgress]
else:  # Django's classes take no parameters at run time
    ItemInline = admin.TabularInline
    JobAdmin = admin.ModelAdmin


class ReadOnly:
    """Shows facts; the state machine alone may change them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds a job by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes a job's facts."""
        return False


class JobItemInline(ReadOnly, ItemInline):
    """The ledger, below its job."""

    model = JobItem
    extra = 0
    can_delete = False
    fields = ("ref", "outcome", "code", "text", "at")
    readonly_fields = fields


@admin.register(SSEProgress)
class SSEProgressAdmin(ReadOnly, JobAdmin):
    """The jobs."""

    list_display = (
        "job_id",
        "task_type",
        "user",
        "status",
        "total_items",
        "success_count",
        "failed_items",
        "in_doubt_items",
        "created_at",
        "updated_at",
    )
    list_filter = ("status", "task_type", "queue", "created_at")
    list_select_related = ("user",)
    search_fields = ("job_id", "title", "task_type", "user__username", "message", "items__ref")
    date_hierarchy = "created_at"
    inlines = (JobItemInline,)
