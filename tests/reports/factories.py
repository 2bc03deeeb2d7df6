"""Sales to test with: each call makes a new one that is right, and takes what the test is about."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import count

from django.contrib.auth.models import User

from apps.core.runner import run
from apps.core.statuses import Status
from apps.reports.actors import build_report
from apps.reports.asking import ask
from apps.reports.kinds import KINDS, Asks
from apps.reports.models import Report
from apps.reports.periods import Period
from apps.reports.posting import post
from apps.reports.receipts import Payment, receive
from apps.reports.sales import RateAmount, Sale
from apps.reports.store import path_of

_numbers = count(1)

SIREN = "484811245"
NAME = "Comptoir du Héron"
#: Rate, net and VAT.
Amounts = tuple[str, str, str]
ONE_RATE: tuple[Amounts, ...] = (("20", "100.00", "20.00"),)


def make_sale(
    *rates: Amounts,
    number: str = "",
    day: date = date(2026, 3, 2),
    due_in: int = 30,
    customer: str = "C0001",
    name: str = "",
    credit_note: bool = False,
) -> Sale:
    amounts = tuple(
        RateAmount(rate=Decimal(rate), net=Decimal(net), vat=Decimal(vat))
        for rate, net, vat in rates or ONE_RATE
    )
    prefix = "A" if credit_note else "F"
    return Sale(
        number=number or f"{prefix}{day.year}-{next(_numbers):05d}",
        is_credit_note=credit_note,
        issued_on=day,
        due_on=day + timedelta(days=due_in),
        customer_code=customer,
        customer_name=name or f"Menuiserie {customer}",
        gross=sum((each.net + each.vat for each in amounts), Decimal("0.00")),
        rates=amounts,
    )


def post_sales(*sales: Sale) -> int:
    return post(sales, siren=SIREN, name=NAME)


def settle(*sales: Sale, on: date) -> int:
    """Pay sales in full."""
    return receive([Payment(number=sale.number, total=sale.gross, paid_on=on) for sale in sales])


YEAR = Period(first=date(2026, 1, 1), last=date(2026, 12, 31))
DAY = Period(last=date(2026, 6, 30))


def period_of(kind: str) -> Period:
    return DAY if KINDS[kind].asks is Asks.DAY else YEAR


def ask_for(
    kind: str = "entries", fmt: str = "csv", period: Period | None = None, *, by: User | None = None
) -> Report:
    user = by or User.objects.first() or User.objects.create_user("alice", password="alice")
    return ask(user, kind, fmt, period or period_of(kind))


def build(report: Report) -> Report:
    """Make one attempt, as a worker does, and give the report as it then is."""
    assert report.job is not None
    run(report.job.job_id, build_report.fn)
    return Report.objects.select_related("job").get(pk=report.pk)


def made(kind: str = "entries", fmt: str = "csv", period: Period | None = None) -> Report:
    report = build(ask_for(kind, fmt, period))
    assert report.job is not None
    assert report.job.status == Status.COMPLETED, report.job.error
    return report


def text_of(report: Report) -> str:
    return path_of(report.stored_name).read_bytes().decode("utf-8")


def a_busy_spring(customers: int = 4) -> None:
    """Post invoices and credit notes over four months, in several rates, some of them paid."""
    sales = []
    for month in (1, 2, 3, 4):
        for n in range(customers):
            day = date(2026, month, 3 + n)
            rates = (("20", "105.10", "21.02"), ("5.5", "10.00", "0.55"))
            sales.append(make_sale(*rates, day=day, customer=f"C{n:04d}"))
            sales.append(make_sale(("10", f"{n + 1}.30", "0.13"), day=day, customer=f"C{n:04d}"))
        sales.append(make_sale(day=date(2026, month, 28), customer="C0000", credit_note=True))
    post_sales(*sales)
    settle(*sales[::5], on=date(2026, 5, 1))
