"""The generator: a seed and a day in, plain data out. It knows neither Django nor the clock."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from .identifiers import make_siren, make_siret, vat_number
from .places import STREETS, TOWNS
from .trades import ACTIVITIES, CATALOGUE, FAMILIES, FORMS, MAILBOXES

#: Name and address of the customers whose mail fails: no address at all, and two that
#: `manage.py smtp_sink` refuses because of their local part.
FAILING = (
    ("Établissements Lefort", "comptabilite(at)lefort.example"),
    ("Scierie Grandjean", "5xx-550.compta@scierie-grandjean.example"),
    ("Transports Vidal", "5xx-550.factures@transports-vidal.example"),
)
#: Where their invoices stand, counted back from the newest: on the first page of the list.
FAILING_PLACES = (6, 19, 37)

PAYMENT_DAYS = (30, 30, 30, 45, 60)


@dataclass(frozen=True, kw_only=True)
class DemoCustomer:
    """A customer to be made."""

    code: str
    name: str
    siren: str
    vat_number: str
    address: str
    postcode: str
    city: str
    email: str
    language: str


@dataclass(frozen=True, kw_only=True)
class DemoLine:
    """A line to be made."""

    label: str
    unit: str
    quantity: Decimal
    unit_price: Decimal
    vat_rate: Decimal


@dataclass(frozen=True, kw_only=True)
class DemoInvoice:
    """An invoice to be made and validated."""

    uuid: UUID
    customer_code: str
    issue_date: date
    due_date: date
    order_ref: str
    lines: tuple[DemoLine, ...]


@dataclass(frozen=True, kw_only=True)
class DemoData:
    """Everything the demo starts with; invoices from the oldest to the newest."""

    company: dict[str, str | int]
    customers: tuple[DemoCustomer, ...] = field(default=())
    invoices: tuple[DemoInvoice, ...] = field(default=())


def generate(today: date, *, seed: int = 42, customers: int = 200, invoices: int = 500) -> DemoData:
    """Make the demo data; the same arguments give the same data on every machine."""
    rng = Random(seed)  # noqa: S311 (made to be repeatable)
    people = _customers(rng, customers)
    return DemoData(
        company=_company(rng),
        customers=people,
        invoices=_invoices(rng, people, today, invoices),
    )


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
    names = [activity.format(family) for family in FAMILIES for activity in ACTIVITIES]
    rng.shuffle(names)
    chosen = [(f"{name} {rng.choice(FORMS)}", "") for name in names[: count - len(FAILING)]]
    return tuple(
        _customer(rng, number, name, email)
        for number, (name, email) in enumerate([*chosen, *FAILING], start=1)
    )


def _customer(rng: Random, number: int, name: str, email: str) -> DemoCustomer:
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
        email=email or f"{rng.choice(MAILBOXES)}@{_slug(name)}.example",
        language="en" if rng.random() < 0.04 else "fr",
    )


def _invoices(
    rng: Random, customers: tuple[DemoCustomer, ...], today: date, count: int
) -> tuple[DemoInvoice, ...]:
    failing, others = customers[-len(FAILING) :], customers[: -len(FAILING)]
    buyers = [rng.choice(others) for _ in range(count)]
    for place, customer in zip(FAILING_PLACES, failing, strict=True):
        buyers[count - 1 - place] = customer
    days = sorted(rng.randint(0, 44) for _ in range(count))
    days.reverse()
    return tuple(
        _invoice(rng, customer, today - timedelta(days=ago))
        for customer, ago in zip(buyers, days, strict=True)
    )


def _invoice(rng: Random, customer: DemoCustomer, issued: date) -> DemoInvoice:
    count = rng.choices((1, 2, 3, 4, 5, 8), weights=(15, 25, 25, 18, 12, 5))[0]
    ordered = rng.random() < 0.6
    return DemoInvoice(
        uuid=UUID(int=rng.getrandbits(128), version=4),
        customer_code=customer.code,
        issue_date=issued,
        due_date=issued + timedelta(days=rng.choice(PAYMENT_DAYS)),
        order_ref=f"BC-{rng.randint(1000, 99999)}" if ordered else "",
        lines=tuple(_line(rng, entry) for entry in rng.sample(CATALOGUE, count)),
    )


def _line(rng: Random, entry: tuple[str, str, int, int, str, tuple[str, ...]]) -> DemoLine:
    label, unit, least, greatest, rate, quantities = entry
    return DemoLine(
        label=label,
        unit=unit,
        quantity=Decimal(rng.choice(quantities)),
        unit_price=Decimal(rng.randint(least, greatest)) / 100,
        vat_rate=Decimal(rate),
    )


def _slug(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")
