"""The invoices' tables, one noun a module."""

from __future__ import annotations

from .account import MailAccount
from .company import Company
from .customer import Customer, EmailState
from .delivery import ACTIVE, FAILED, Delivery, DeliveryStatus
from .file import InvoiceFile
from .invoice import Invoice, InvoiceKind, InvoiceStatus, OperationCategory
from .line import InvoiceLine
from .mailing import Mailing, MailingMode
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
    "InvoiceFile",
    "InvoiceKind",
    "InvoiceLine",
    "InvoiceStatus",
    "MailAccount",
    "Mailing",
    "MailingMode",
    "NumberSequence",
    "OperationCategory",
]
