"""Supplier invoices in XML, and what is refused before it does harm."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from facturx import generate_from_binary, generate_xml
from reportlab.pdfgen.canvas import Canvas

from apps.edi.errors import NoInvoiceError, UnsafeXmlError
from apps.edi.models import Document, EdiFault, FileStatus
from apps.edi.xml_invoices import MAX_BYTES, parse
from tests.edi.factories import imported, make_file, make_partner

DATA: dict[str, Any] = {
    "BT-1": "F-77",
    "BT-2": "2026-01-05",
    "BT-3": "380",
    "BT-5": "EUR",
    "BT-9": "2026-02-05",
    "BT-13": "PO-9",
    "BT-24": "urn:cen.eu:en16931:2017",
    "BG-4": {
        "name": "Torréfaction & Fils",
        "vat_identifier": "FR33484811245",
        "country_code": "FR",
        "city": "Nantes",
        "postcode": "44000",
    },
    "BG-7": {"name": "Comptoir du Héron", "vat_identifier": "FR00123456782", "country_code": "FR"},
    "BT-106": "20.00",
    "BT-109": "20.00",
    "BT-110": "4.00",
    "BT-112": "24.00",
    "BT-115": "24.00",
    "BG-23": [
        {"BT-116": "20.00", "BT-117": "4.00", "BT-118": "S", "BT-119": "20.00"},
    ],
    "BG-25": [
        {
            "BT-126": "1",
            "BT-129": "2",
            "BT-130": "C62",
            "BT-131": "20.00",
            "BT-146": "10.00",
            "BT-151": "S",
            "BT-152": "20.00",
            "BT-153": "Café <moulu>",
            "BT-155": "V-1",
        },
    ],
}


def written(flavor: str) -> bytes:
    found = generate_xml(dict(DATA), flavor=flavor, level="en16931", check_xsd=True)
    return found[0] if isinstance(found, tuple) else found


def pdf() -> bytes:
    paper = BytesIO()
    canvas = Canvas(paper)
    canvas.drawString(50, 700, "F-77")
    canvas.save()
    found: bytes = generate_from_binary(paper.getvalue(), written("factur-x"), flavor="factur-x")
    return found
