"""What a message says, before it is written anywhere."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from decimal import Decimal

from apps.edi.reader.faults import Fault, Kind

#: Kinds that are about money owed.
INVOICES = frozenset({"invoice", "credit"})
#: Findings that don't keep a document out.
REMARKS = frozenset({Kind.CHECK_DIGIT, Kind.LINE_COUNT})


@dataclass(slots=True)
class Line:
    """One line; None is what the message does not say."""

    position: int
    gtin: str = ""
    buyer_ref: str = ""
    supplier_ref: str = ""
    label: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    price: Decimal | None = None
    price_per: Decimal = Decimal(1)
    net: Decimal | None = None
    sscc: str = ""


@dataclass(slots=True)
class Party:
    """Who somebody is in the message."""

    id: str = ""
    name: str = ""


@dataclass(slots=True)
class Draft:
    """A document in the making, with what is wrong with it."""

    kind: str
    number: str = ""
    #: EDIFACT 1225, also for what X12 and XML say.
    function: str = "9"
    date: datetime.date | None = None
    delivery_date: datetime.date | None = None
    currency: str = ""
    order_ref: str = ""
    buyer: Party = field(default_factory=Party)
    supplier: Party = field(default_factory=Party)
    ship_to: Party = field(default_factory=Party)
    total: Decimal | None = None
    lines: list[Line] = field(default_factory=list)
    findings: list[Fault] = field(default_factory=list)

    @property
    def refusals(self) -> list[Fault]:
        """The findings that keep the document out."""
        return [finding for finding in self.findings if finding.kind not in REMARKS]
