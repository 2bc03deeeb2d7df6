"""The invoices' tables, one noun a module."""

from __future__ import annotations

from .company import Company
from .customer import Customer, EmailState
from .delivery import ACTIVE, FAILED, Delivery, DeliveryStatus
from .invoice import Invoice, InvoiceKind, InvoiceStatus
from .line import InvoiceLine
from .mailing import Mailing
from .sequence import NumberSequence

__all__ = [
    "ACTIVE",
    "FAILED",
    "Company",
    "Customer",
    "Delivery",
    "DeliveryStatus",
    "EmailState",
    "Invoice",
    "InvoiceKind",
    "InvoiceLine",
    "InvoiceStatus",
    "Mailing",
    "NumberSequence",
]
