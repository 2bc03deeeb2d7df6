"""Rows to test with: each call makes a new one that is right, and takes what the test is about."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.contrib.auth.models import User

from apps.core.models import SSEProgress
from apps.invoices.mailing import prepare
from apps.invoices.models import Company, Customer, Delivery, Invoice, InvoiceLine, Mailing
from apps.invoices.validation import validate

#: Far from the invoices' own numbers, which tests search for.
_numbers = count(50_001)

Line = tuple[str, str, str]
ONE_LINE: tuple[Line, ...] = (("2", "50", "20"),)


def make_user(username: str = "alice", *, is_staff: bool = False) -> User:
    return User.objects.create_user(username, password=username, is_staff=is_staff)


def make_company() -> Company:
    company, _ = Company.objects.get_or_create(
        pk=1,
        defaults={
            "name": "Comptoir du Héron",
            "siren": "484811245",
            "siret": "48481124500014",
            "vat_number": "FR33484811245",
            "capital": 48000,
            "rcs": "RCS Nantes 484 811 245",
            "address": "12 quai de la Fosse",
            "postcode": "44000",
            "city": "Nantes",
            "iban": "FR7630006000011234567890189",
            "bic": "AGRIFRPP",
            "from_email": "facturation@heron.example",
            "reply_to": "comptabilite@heron.example",
        },
    )
    return company


def make_customer(**facts: Any) -> Customer:
    number = next(_numbers)
    return Customer.objects.create(
        **{
            "code": f"T{number:05d}",
            "name": f"Menuiserie {number}",
            "address": "3 rue du Moulin",
            "postcode": "35000",
            "city": "Rennes",
            "email": f"compta@client-{number}.example",
            **facts,
        }
    )


def make_draft(
    customer: Customer | None = None, *, lines: tuple[Line, ...] = ONE_LINE, **facts: Any
) -> Invoice:
    """Make a draft; a line is quantity, unit price and VAT rate."""
    issued = facts.pop("issue_date", date(2026, 3, 2))
    draft = Invoice.objects.create(
        customer=customer or make_customer(),
        issue_date=issued,
        due_date=facts.pop("due_date", issued + timedelta(days=30)),
        **facts,
    )
    for position, (quantity, price, rate) in enumerate(lines, start=1):
        InvoiceLine.objects.create(
            invoice=draft,
            position=position,
            label=f"Line {position}",
            quantity=Decimal(quantity),
            unit_price=Decimal(price),
            vat_rate=Decimal(rate),
        )
    return draft


def make_invoice(customer: Customer | None = None, **facts: Any) -> Invoice:
    return validate(make_draft(customer, **facts).pk, company=make_company())


def make_invoice_to(email: str, **facts: Any) -> Invoice:
    return make_invoice(make_customer(email=email), **facts)


def make_mailing(*invoices: Invoice, by: User | None = None, **options: Any) -> Mailing:
    user = by or User.objects.first() or make_user()
    wanted = Invoice.objects.filter(pk__in=[invoice.pk for invoice in invoices])
    mailing, _ = prepare(user, wanted, **options)
    return mailing


def make_delivery(invoice: Invoice | None = None) -> Delivery:
    return make_mailing(invoice or make_invoice()).deliveries.get()


def give_job(mailing: Mailing, status: str) -> SSEProgress:
    """Put a mailing's job in a state, as if a worker had brought it there."""
    mailing.job = SSEProgress.objects.create(
        user=mailing.created_by, task_type="email_sending", status=status
    )
    mailing.save(update_fields=["job"])
    return mailing.job


def mailing_to(*addresses: str) -> Mailing:
    """Make a mailing of one invoice to each address."""
    return make_mailing(*(make_invoice_to(address) for address in addresses))
