"""Writing the demo data into the database, once."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from apps.core import bulk
from apps.invoices import message_ids, vat
from apps.invoices.demo_data import DemoData, DemoInvoice
from apps.invoices.models import (
    Company,
    Customer,
    Delivery,
    DeliveryStatus,
    Invoice,
    InvoiceKind,
    Mailing,
)
from apps.invoices.validation import NewLine, issue

#: name, first name, last name, staff (may open the mailbox).
USERS = (("demo", "Dominique", "Morel", True), ("claire", "Claire", "Dumas", False))
#: The columns of a delivery that was accepted long ago.
SENT = (
    *("mailing", "invoice", "recipient", "live", "generation", "message_id", "status"),
    *("attempts", "deferrals", "smtp_code", "smtp_text", "created_at", "claimed_at", "finished_at"),
)
#: Invoices written at a time.
CHUNK = 2_000


def password_of(username: str) -> str:
    """Give a demo login's password; printed by the command, it is no secret."""
    return username


def add_users() -> int:
    """Make the demo's logins, whose password is their name; return how many were missing."""
    made = 0
    for username, first_name, last_name, is_staff in USERS:
        user, created = get_user_model().objects.get_or_create(
            username=username,
            defaults={
                "first_name": first_name,
                "last_name": last_name,
                "is_staff": is_staff,
                "email": f"{username}@heron.example",
            },
        )
        if created:
            user.set_password(password_of(username))
            user.save()
            made += 1
    return made


def write(data: DemoData) -> bool:
    """Write company, customers, invoices and what was sent; do nothing when they are there already.

    One transaction: a seeding that was interrupted leaves nothing behind.
    """
    with _no_collector(), transaction.atomic():
        if Customer.objects.filter(code=data.customers[0].code).exists():
            return False
        company, _ = Company.objects.get_or_create(pk=1, defaults=data.company)
        customers = Customer.objects.bulk_create(Customer(**asdict(c)) for c in data.customers)
        desk = _Desk(company, {customer.code: customer for customer in customers})
        for chunk in _chunks(data.invoices()):
            desk.file(chunk)
    return True


class _Desk:
    """Files invoices by the thousand, remembering those that a credit note may take back."""

    def __init__(self, company: Company, customers: dict[str, Customer]) -> None:
        self._company = company
        self._customers = customers
        self._filed: dict[UUID, Invoice] = {}
        self._clerk: AbstractBaseUser | None = get_user_model().objects.order_by("pk").first()

    def file(self, chunk: list[DemoInvoice]) -> None:
        """Validate and send what was validated and sent; what was paid of it is told with it."""
        # Credit notes after all invoices: they need the keys of those they take back.
        for wanted in (
            [each for each in chunk if each.corrects is None],
            [each for each in chunk if each.corrects is not None],
        ):
            drafts = [self._draft(each) for each in wanted]
            issue(drafts, company=self._company)
            self._filed |= {draft.uuid: draft for draft, _lines in drafts}
        self._send([self._filed[each.uuid] for each in chunk if each.is_sent])
        self._filed = dict(islice(self._filed.items(), max(0, len(self._filed) - CHUNK), None))

    def _draft(self, wanted: DemoInvoice) -> tuple[Invoice, list[NewLine]]:
        lines = [
            NewLine(line.label, line.quantity, line.unit, line.unit_price, line.vat_rate)
            for line in wanted.lines
        ]
        corrected = self._filed[wanted.corrects] if wanted.corrects else None
        draft = Invoice(
            uuid=wanted.uuid,
            kind=InvoiceKind.CREDIT_NOTE if corrected else InvoiceKind.INVOICE,
            corrects=corrected,
            customer=self._customers[wanted.customer_code],
            issue_date=wanted.issue_date,
            due_date=wanted.due_date,
            order_ref=wanted.order_ref,
            operation_category=wanted.operation_category,
            paid_on=wanted.paid_on,
        )
        if wanted.paid_percent:
            gross = vat.total((line.vat_rate, line.net) for line in lines).gross
            draft.paid_amount = vat.round_cents(gross * Decimal(wanted.paid_percent) / 100)
        return draft, lines

    def _send(self, invoices: list[Invoice]) -> None:
        """Write down that these went out on the day after they were issued."""
        reached = [invoice for invoice in invoices if _is_reachable(invoice.customer)]
        if not reached or self._clerk is None:
            return
        mailing = Mailing.objects.create(created_by_id=self._clerk.pk)
        bulk.insert(Delivery, SENT, (self._delivery(mailing, invoice) for invoice in reached))
        last = max(invoice.issue_date for invoice in reached)
        Mailing.objects.filter(pk=mailing.pk).update(created_at=_morning_after(last))

    def _delivery(self, mailing: Mailing, invoice: Invoice) -> tuple[Any, ...]:
        """Give a delivery as a row, in the order of SENT."""
        to, domain = invoice.customer.email, self._company.mail_domain
        message_id = message_ids.message_id(invoice.uuid, to, 1, domain)
        at = bulk.adapt(Delivery, "finished_at", _morning_after(invoice.issue_date))
        return (
            *(mailing.pk, invoice.pk, to, True, 1, message_id, DeliveryStatus.ACCEPTED.value),
            *(1, 0, 250, "2.0.0 OK", at, at, at),
        )


@contextmanager
def _no_collector() -> Iterator[None]:
    """Spare the garbage collector a million objects that are in no cycle: a tenth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _is_reachable(customer: Customer) -> bool:
    return "@" in customer.email and not customer.email.startswith(("4xx", "5xx"))


def _morning_after(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time(9)))


def _chunks(invoices: Iterable[DemoInvoice]) -> Iterator[list[DemoInvoice]]:
    rest = iter(invoices)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
