"""The generator: seed, day and size in, plain data out. It knows neither Django nor the clock.

Each part has a random generator of its own, so that more customers don't change the company, nor
more invoices the customers.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from random import Random
from uuid import UUID

from .facts import DemoCustomer, DemoInvoice, DemoLine
from .identifiers import make_siren, make_siret, vat_number
from .places import STREETS, TOWNS
from .trades import ACTIVITIES, CATALOGUE, FAMILIES, FORMS, MAILBOXES

#: Name of a size → customers and invoices.
SIZES: dict[str, tuple[int, int]] = {
    "sample": (60, 200),
    "demo": (300, 3_000),
    "big": (2_500, 60_000),
}
DAYS = 730
#: The newest have not been sent yet, so that there is something to do.
UNSENT = 400
#: Of those, the newest are for customers whose mail arrives, with three exceptions.
EXPECTED = 200

#: Name and address of the customers whose mail fails: no address at all, and two that
#: `manage.py smtp_sink` refuses because of their local part.
FAILING = (
    ("Établissements Lefort", "comptabilite(at)lefort.example"),
    ("Scierie Grandjean", "5xx-550.compta@scierie-grandjean.example"),
    ("Transports Vidal", "5xx-550.factures@transports-vidal.example"),
)
#: Where their invoices stand, counted back from the newest: on the first page of the list.
FAILING_PLACES = (6, 19, 37)

#: Share of the customers without an address, refused and put off by the mail server.
NO_ADDRESS, REFUSED, PUT_OFF = 0.03, 0.01, 0.005
#: Share of the invoices that are paid, and paid in part, once they are due for some time.
PAID, PAID_IN_PART = 0.86, 0.93
#: Share of the documents that take an earlier invoice back.
CREDITED = 0.015

PAYMENT_DAYS = (30, 30, 30, 45, 60)
LINE_COUNTS, LINE_WEIGHTS = (1, 2, 3, 4, 5, 8), (15, 25, 25, 18, 12, 5)


@dataclass(frozen=True, kw_only=True)
class DemoData:
    """Everything the demo starts with."""

    company: dict[str, str | int]
    today: date
    seed: int
    count: int
    customers: tuple[DemoCustomer, ...] = field(default=())

    def invoices(self) -> Iterator[DemoInvoice]:
        """Give the invoices from the oldest to the newest; the same each time."""
        return _invoices(self)


def generate(today: date, *, seed: int = 42, size: str = "demo") -> DemoData:
    """Make the demo data; the same arguments give the same data on every machine."""
    customers, invoices = SIZES[size]
    return DemoData(
        company=_company(_random(seed, "company")),
        today=today,
        seed=seed,
        count=invoices,
        customers=_customers(_random(seed, "customers"), customers),
    )


def _random(seed: int, part: str) -> Random:
    return Random(f"{seed}/{part}")  # noqa: S311 (made to be repeatable)


def _company(rng: Random) -> dict[str, str | int]:
    siren = make_siren(rng)
    return {
        "name": "Comptoir du Héron",
        "legal_form": "SAS",
        "siren": siren,
        "siret": make_siret(siren),
        "vat_number": vat_number(siren),
        "capital": 48_000,
        "rcs": f"RCS Nantes {siren[:3]} {siren[3:6]} {siren[6:]}",
        "address": "12 quai de la Fosse",
        "postcode": "44000",
        "city": "Nantes",
        # The specimen IBAN of the French banks' documentation: its check digits are right.
        "iban": "FR7630006000011234567890189",
        "bic": "AGRIFRPP",
        "from_email": "facturation@heron.example",
        "reply_to": "comptabilite@heron.example",
    }


def _customers(rng: Random, count: int) -> tuple[DemoCustomer, ...]:
    trades = [activity.format(family) for family in FAMILIES for activity in ACTIVITIES]
    rng.shuffle(trades)
    # One form for each first, so that few customers have names that differ in nothing else.
    names = [f"{trade} {form}" for form, trade in product(rng.sample(FORMS, len(FORMS)), trades)]
    chosen = [(name, None) for name in names[: count - len(FAILING)]]
    return tuple(
        _customer(rng, number, name, email)
        for number, (name, email) in enumerate([*chosen, *FAILING], start=1)
    )


def _customer(rng: Random, number: int, name: str, email: str | None) -> DemoCustomer:
    siren = make_siren(rng)
    postcode, city = rng.choice(TOWNS)
    return DemoCustomer(
        code=f"C{number:04d}",
        name=name,
        siren=siren,
        vat_number=vat_number(siren),
        address=f"{rng.randint(1, 140)} {rng.choice(STREETS)}",
        postcode=postcode,
        city=city,
        email=_email(rng, name) if email is None else email,
        language="en" if rng.random() < 0.04 else "fr",
    )


def _email(rng: Random, name: str) -> str:
    address = f"{rng.choice(MAILBOXES)}@{_slug(name)}.example"
    fate = rng.random()
    if fate < NO_ADDRESS:
        return ""
    if fate < NO_ADDRESS + REFUSED:
        return f"5xx-550.{address}"
    return f"4xx-451.{address}" if fate < NO_ADDRESS + REFUSED + PUT_OFF else address


def _invoices(data: DemoData) -> Iterator[DemoInvoice]:
    rng = _random(data.seed, "invoices")
    failing, others = data.customers[-len(FAILING) :], data.customers[: -len(FAILING)]
    reachable = [customer for customer in others if customer.is_reachable]
    special = dict(zip(FAILING_PLACES, failing, strict=True))
    #: Invoices that a credit note may still take back.
    recent: deque[DemoInvoice] = deque(maxlen=80)
    for place, day in enumerate(_days(rng, data)):
        left = data.count - 1 - place
        is_sent = left >= UNSENT
        if is_sent and len(recent) == recent.maxlen and rng.random() < CREDITED:
            yield _credit_note(rng, recent.popleft(), day)
            continue
        customer = special.get(left) or rng.choice(reachable if left < EXPECTED else others)
        invoice = _invoice(rng, data, customer, day, is_sent=is_sent)
        if is_sent and not invoice.paid_percent:
            recent.append(invoice)
        yield invoice


def _days(rng: Random, data: DemoData) -> list[date]:
    """Choose working days, from the oldest to today, more of them lately: business grows."""
    ago = sorted((int(DAYS * (1 - rng.random() ** 0.8)) for _ in range(data.count)), reverse=True)
    days = (data.today - timedelta(days=each) for each in ago)
    return [day - timedelta(days=max(0, day.weekday() - 4)) for day in days]


def _invoice(
    rng: Random, data: DemoData, customer: DemoCustomer, issued: date, *, is_sent: bool
) -> DemoInvoice:
    count = rng.choices(LINE_COUNTS, weights=LINE_WEIGHTS)[0]
    ordered = rng.random() < 0.6
    due = issued + timedelta(days=rng.choice(PAYMENT_DAYS))
    percent, paid_on = _payment(rng, due, data.today) if is_sent else (0, None)
    return DemoInvoice(
        uuid=UUID(int=rng.getrandbits(128), version=4),
        customer_code=customer.code,
        issue_date=issued,
        due_date=due,
        order_ref=f"BC-{rng.randint(1000, 99999)}" if ordered else "",
        lines=tuple(_line(rng, entry) for entry in rng.sample(CATALOGUE, count)),
        paid_percent=percent,
        paid_on=paid_on,
        is_sent=is_sent,
    )


def _payment(rng: Random, due: date, today: date) -> tuple[int, date | None]:
    """Decide how much is paid, and when: some before it is due, most a little after."""
    fate, paid_on = rng.random(), due + timedelta(days=rng.randint(-10, 40))
    if paid_on >= today or fate > PAID_IN_PART:
        return 0, None
    return (100 if fate < PAID else rng.choice((30, 50, 70))), paid_on


def _credit_note(rng: Random, invoice: DemoInvoice, day: date) -> DemoInvoice:
    """Take an invoice back, all of it or its first line."""
    return DemoInvoice(
        uuid=UUID(int=rng.getrandbits(128), version=4),
        customer_code=invoice.customer_code,
        issue_date=day,
        due_date=day,
        order_ref=invoice.order_ref,
        lines=invoice.lines if rng.random() < 0.4 else invoice.lines[:1],
        corrects=invoice.uuid,
        is_sent=True,
    )


def _line(rng: Random, entry: tuple[str, str, int, int, str, tuple[str, ...]]) -> DemoLine:
    label, unit, least, greatest, rate, quantities = entry
    return DemoLine(
        label=label,
        unit=unit,
        quantity=Decimal(rng.choice(quantities)),
        unit_price=Decimal(rng.randint(least, greatest)).scaleb(-2),
        vat_rate=Decimal(rate),
    )


def _slug(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")
