"""Jobs in the admin: facts to read, filter and search, and the verbs; nothing to edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext_lazy

from apps.core.errors import NotPossibleNowError
from apps.core.models import JobItem, SSEProgress
from apps.core.verbs import VERBS

if TYPE_CHECKING:
    ItemInline = admin.TabularInline[JobItem, SSEProgress]
    JobAdmin = admin.ModelAdmin[SSEProgress]
else:  # Django's classes take no parameters at run time
    ItemInline = admin.TabularInline
    JobAdmin = admin.ModelAdmin


#: Verb → its entry in the menu of actions.
MENU: dict[str, Any] = {
    "cancel": pgettext_lazy("admin", "Cancel the selected jobs"),
    "pause": pgettext_lazy("admin", "Pause the selected jobs"),
    "resume": pgettext_lazy("admin", "Resume the selected jobs"),
    "retry": pgettext_lazy("admin", "Try the selected jobs again, without what is done"),
}

#: Refused jobs that are named one by one.
REFUSALS_SHOWN = 10

Action = Callable[[Any, HttpRequest, QuerySet[SSEProgress]], None]


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
    fields = ("ref", "outcome", "code", "text", "at", "decision", "decided_by", "decided_at")
    readonly_fields = fields


def action_of(verb: str) -> Action:
    """Make the admin's action of a verb; whoever may see jobs here (staff) may steer them."""

    @admin.action(description=MENU[verb], permissions=["view"])
    def steer(model_admin: JobAdmin, request: HttpRequest, selected: QuerySet[SSEProgress]) -> None:
        refused: list[SSEProgress] = []
        asked = 0
        for job in selected:
            try:
                VERBS[verb](job)
            except NotPossibleNowError:
                job.refresh_from_db()
                refused.append(job)
            else:
                asked += 1
        if asked:
            text = ngettext("Passed on to %(count)s job.", "Passed on to %(count)s jobs.", asked)
            model_admin.message_user(request, text % {"count": asked}, messages.SUCCESS)
        for text in _refusals(refused):
            model_admin.message_user(request, text, messages.WARNING)

    # Django tells actions apart by the name of their function.
    steer.__name__ = f"{verb}_jobs"
    return steer


def _refusals(jobs: list[SSEProgress]) -> list[str]:
    """Say of each job why nothing was done, and of very many only how many they are."""
    texts = [
        _("Not possible now for “%(title)s” (%(id)s): the job is “%(status)s”.")
        % {
            "title": job.title_text,
            "id": job.job_id[:8],
            "status": job.get_status_display(),
        }
        for job in jobs[:REFUSALS_SHOWN]
    ]
    if more := len(jobs) - len(texts):
        text = ngettext("Nor for %(count)s other job.", "Nor for %(count)s other jobs.", more)
        texts.append(text % {"count": more})
    return texts


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
    actions = tuple(action_of(verb) for verb in VERBS)
