"""The invoices in the administration: drafts can be edited, the rest is for looking at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.invoices import payments
from apps.invoices.credit import draft_credit_note
from apps.invoices.errors import InvoicesError
from apps.invoices.models import (
    Company,
    Customer,
    Delivery,
    Invoice,
    InvoiceLine,
    InvoiceStatus,
    MailAccount,
    Mailing,
)
from apps.invoices.validation import validate

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    Inline = admin.TabularInline[InvoiceLine, Invoice]
else:  # Django's classes take no parameters at run time
    ModelAdmin = admin.ModelAdmin
    Inline = admin.TabularInline


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


@admin.register(Company)
class CompanyAdmin(ModelAdmin):
    """The one company."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow the first."""
        return super().has_add_permission(request) and not Company.objects.exists()


@admin.register(Customer)
class CustomerAdmin(ModelAdmin):
    """Customers and what is known about their addresses."""

    list_display = ["code", "name", "city", "email", "email_state"]
    list_filter = ["email_state", "language"]
    search_fields = ["code", "name", "email", "siren"]


class LineInline(Inline):
    """The lines, on their invoice's page."""

    model = InvoiceLine
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Invoice | None = None) -> bool:
        """Allow it on drafts."""
        return _is_draft(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow it on drafts."""
        return _is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow it on drafts."""
        return _is_draft(obj) and super().has_delete_permission(request, obj)


@admin.register(Invoice)
class InvoiceAdmin(ModelAdmin):
    """Invoices; a validated one is shown, not edited."""

    list_display = ["__str__", "customer", "issue_date", "total_gross", "status", "paid_amount"]
    list_filter = ["status", "kind"]
    list_select_related = ["customer"]
    search_fields = ["number", "customer__name", "order_ref"]
    date_hierarchy = "issue_date"
    autocomplete_fields = ["customer", "corrects"]
    readonly_fields = [
        "number",
        "status",
        "total_net",
        "total_vat",
        "total_gross",
        "buyer_snapshot",
        "seller_snapshot",
    ]
    inlines = [LineInline]
    actions = ["validate_drafts", "draft_credit_notes", "mark_paid"]

    def has_change_permission(self, request: HttpRequest, obj: Invoice | None = None) -> bool:
        """Allow it on drafts."""
        return _is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Invoice | None = None) -> bool:
        """Allow it on drafts, one at a time: a selection may hold validated ones."""
        return obj is not None and _is_draft(obj) and super().has_delete_permission(request, obj)

    @admin.action(description=_("Validate the selected drafts"), permissions=["change"])
    def validate_drafts(self, request: HttpRequest, queryset: QuerySet[Invoice]) -> None:
        """Validate drafts in the order of their dates, which their numbers have to follow."""
        drafts = queryset.filter(status=InvoiceStatus.DRAFT).order_by("issue_date", "pk")
        validated = 0
        for pk in list(drafts.values_list("pk", flat=True)):
            try:
                validate(pk)
            except InvoicesError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                validated += 1
        self.message_user(request, _("%(n)s validated") % {"n": validated})

    @admin.action(
        description=_("Draft credit notes of the selected invoices"), permissions=["change"]
    )
    def draft_credit_notes(self, request: HttpRequest, queryset: QuerySet[Invoice]) -> None:
        """Make drafts over all of each invoice, to be looked at and validated."""
        made = 0
        for invoice in queryset.select_related("customer").order_by("pk"):
            try:
                draft_credit_note(invoice, today=timezone.localdate())
            except InvoicesError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                made += 1
        self.message_user(request, _("%(n)s credit notes drafted") % {"n": made})

    @admin.action(description=_("Mark the selected invoices as paid"), permissions=["change"])
    def mark_paid(self, request: HttpRequest, queryset: QuerySet[Invoice]) -> None:
        """Note that what is open of validated invoices was paid today."""
        validated = queryset.filter(status=InvoiceStatus.VALIDATED)
        with transaction.atomic():
            paid = payments.pay(validated, today=timezone.localdate())
        self.message_user(request, _("%(n)s marked as paid") % {"n": len(paid)})


@admin.register(Mailing)
class MailingAdmin(ReadOnlyAdmin):
    """Who sent what when."""

    list_display = ["__str__", "mode", "created_by", "created_at", "job"]
    list_select_related = ["created_by", "job"]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Every e-mail's fate."""

    list_display = ["invoice", "recipient", "status", "smtp_code", "smtp_text", "finished_at"]
    list_filter = ["status"]
    list_select_related = ["invoice"]
    search_fields = ["invoice__number", "recipient", "message_id"]


@admin.register(MailAccount)
class MailAccountAdmin(ReadOnlyAdmin):
    """The accounts that mails leave by, and which of them are shut to us."""

    list_display = ["name", "failures", "closed_until", "answer"]


def _is_draft(invoice: Invoice | None) -> bool:
    return invoice is None or invoice.status == InvoiceStatus.DRAFT
