"""Writing the demo data into the database, once."""

from __future__ import annotations

from dataclasses import asdict

from django.contrib.auth import get_user_model
from django.db import transaction

from apps.invoices import vat
from apps.invoices.demo_data import DemoData, DemoInvoice
from apps.invoices.models import Company, Customer, Invoice, InvoiceLine
from apps.invoices.validation import validate

#: name, first name, last name, staff (may open the mailbox).
USERS = (("demo", "Dominique", "Morel", True), ("claire", "Claire", "Dumas", False))


def password_of(username: str) -> str:
    """Give a demo login's password; printed by the command, it is no secret."""
    return username


def add_users() -> int:
    """Make the demo's logins, whose password is their name; return how many were missing."""
    made = 0
    for username, first_name, last_name, is_staff in USERS:
        user, created = get_user_model().objects.get_or_create(
            username=username,
            defaults={"first_name": first_name, "last_name": last_name, "is_staff": is_staff},
        )
        if created:
            user.set_password(password_of(username))
            user.save()
            made += 1
    return made


def write(data: DemoData) -> bool:
    """Write company, customers and validated invoices; do nothing when they are there already.

    One transaction: a seeding that was interrupted leaves nothing behind.
    """
    with transaction.atomic():
        if Customer.objects.filter(code=data.customers[0].code).exists():
            return False
        company, _ = Company.objects.get_or_create(pk=1, defaults=data.company)
        customers = Customer.objects.bulk_create(Customer(**asdict(c)) for c in data.customers)
        by_code = {customer.code: customer for customer in customers}
        drafts = Invoice.objects.bulk_create(
            _draft(invoice, by_code[invoice.customer_code]) for invoice in data.invoices
        )
        InvoiceLine.objects.bulk_create(
            line
            for draft, invoice in zip(drafts, data.invoices, strict=True)
            for line in _lines(draft, invoice)
        )
        for draft in drafts:
            validate(draft.pk, company=company)
    return True


def _draft(invoice: DemoInvoice, customer: Customer) -> Invoice:
    return Invoice(
        uuid=invoice.uuid,
        customer=customer,
        issue_date=invoice.issue_date,
        due_date=invoice.due_date,
        order_ref=invoice.order_ref,
    )


def _lines(draft: Invoice, invoice: DemoInvoice) -> list[InvoiceLine]:
    return [
        InvoiceLine(
            invoice=draft,
            position=position,
            net=vat.line_net(line.quantity, line.unit_price),
            **asdict(line),
        )
        for position, line in enumerate(invoice.lines, start=1)
    ]
