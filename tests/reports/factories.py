"""Sales to test with: each call makes a new one that is right, and takes what the test is about."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import count

from apps.reports.posting import post
from apps.reports.sales import RateAmount, Sale

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
        date=day,
        due_date=day + timedelta(days=due_in),
        customer_code=customer,
        customer_name=name or f"Menuiserie {customer}",
        gross=sum((each.net + each.vat for each in amounts), Decimal("0.00")),
        rates=amounts,
    )


def post_sales(*sales: Sale) -> int:
    return post(sales, siren=SIREN, name=NAME)
