"""What the generator makes: plain facts, to be written into a database by somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from .trades import SERVICES


@dataclass(frozen=True, kw_only=True, slots=True)
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

    @property
    def is_reachable(self) -> bool:
        """Whether a mail to the customer is taken at once."""
        return bool(self.email) and not self.email.startswith(("4xx", "5xx")) and "@" in self.email


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoLine:
    """A line to be made."""

    label: str
    unit: str
    quantity: Decimal
    unit_price: Decimal
    vat_rate: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoInvoice:
    """An invoice to be made and validated, or a credit note."""

    uuid: UUID
    customer_code: str
    issue_date: date
    due_date: date
    order_ref: str
    lines: tuple[DemoLine, ...]
    #: The invoice that a credit note takes back.
    corrects: UUID | None = None
    #: Hundredths of the total that are paid, and the last day of it.
    paid_percent: int = 0
    paid_on: date | None = None
    #: Whether it went to the customer long ago.
    is_sent: bool = False

    @property
    def operation_category(self) -> str:
        """Say whether goods, services or both are sold, as BT-23 has it."""
        services = {line.label in SERVICES for line in self.lines}
        return "M1" if len(services) == 2 else "S1" if services == {True} else "B1"
