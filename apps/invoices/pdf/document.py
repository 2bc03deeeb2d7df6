"""Laying an invoice out."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, SimpleDocTemplate, Spacer, Table, TableStyle

from apps.invoices import cii, vat
from apps.invoices.models import Invoice, InvoiceLine
from apps.invoices.money import format_amount, format_short

from . import hybrid, texts
from .canvas import FootedCanvas
from .style import (
    ACCENT,
    BODY,
    BODY_BOLD,
    BOLD,
    FACTS,
    INK,
    LINE,
    MUTED,
    REGULAR,
    SELLER,
    SMALL,
    TITLE,
    paragraph,
    register_fonts,
)

WIDTH = A4[0] - 36 * mm
#: What SimpleDocTemplate's frame keeps free inside the margins.
FRAME_PADDING = 6
LINE_COLUMNS = [WIDTH - 102 * mm, 22 * mm, 28 * mm, 18 * mm, 34 * mm]
RATE_COLUMNS = [22 * mm, 32 * mm, 30 * mm]
SUM_COLUMNS = [36 * mm, 34 * mm]

#: Every table needs its font: reportlab's default is Helvetica, which is not embedded.
BASE = TableStyle(
    [
        ("FONT", (0, 0), (-1, -1), REGULAR, 8.5, 12),
        ("TEXTCOLOR", (0, 0), (-1, -1), INK),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
    ]
)
GRID = TableStyle(
    [
        ("FONT", (0, 0), (-1, 0), REGULAR, 7.5, 10),
        ("TEXTCOLOR", (0, 0), (-1, 0), MUTED),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, ACCENT),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, LINE),
        ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
    ],
    parent=BASE,
)
SUMS = TableStyle(
    [
        ("ALIGN", (1, 0), (1, -1), "RIGHT"),
        ("FONT", (0, 2), (-1, 2), BOLD, 10.5, 14),
        ("LINEABOVE", (0, 2), (-1, 2), 0.8, ACCENT),
    ],
    parent=BASE,
)
HEAD = TableStyle([("TOPPADDING", (0, 2), (-1, 2), 8 * mm)], parent=BASE)
SIDE_BY_SIDE = TableStyle([("LEFTPADDING", (1, 0), (1, 0), 0)], parent=BASE)


#: Of everything that decides what an invoice's file looks like and holds. Higher with each change.
TEMPLATE_VERSION = 3


def render(invoice: Invoice) -> bytes:
    """Draw a validated invoice in its buyer's language, with its data inside (Factur-X).

    Raises:
        InvalidDocumentError: the data would not be valid.
    """
    register_fonts()
    lines = list(invoice.lines.all())
    with translation.override(invoice.buyer_snapshot.get("language", "fr")):
        title = f"{texts.title(invoice)} {invoice.number}"
        return hybrid.embed(
            _build(invoice, lines, title),
            cii.render(invoice),
            day=invoice.issue_date,
            title=title,
            author=invoice.seller_snapshot.get("name", ""),
            subject=invoice.buyer_name,
        )


def _build(invoice: Invoice, lines: list[InvoiceLine], title: str) -> bytes:
    buffer = BytesIO()
    seller = invoice.seller_snapshot
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=18 * mm - FRAME_PADDING,
        rightMargin=18 * mm - FRAME_PADDING,
        topMargin=16 * mm,
        bottomMargin=22 * mm,
        title=title,
        author=seller.get("name", ""),
        lang=translation.get_language(),
        # reportlab's own is Helvetica, which would not be embedded.
        initialFontName=REGULAR,
        # No creation date and no random document id.
        invariant=1,
        # The canvas compresses.
        pageCompression=0,
    )

    def footed(*args: Any, **kwargs: Any) -> FootedCanvas:
        canvas = FootedCanvas(*args, **kwargs)
        canvas.legal_line = texts.legal_line(seller)
        return canvas

    story: list[Flowable] = [
        _head(invoice),
        Spacer(1, 10 * mm),
        _lines_table(invoice, lines),
        Spacer(1, 6 * mm),
        KeepTogether([_totals(invoice, lines), Spacer(1, 8 * mm), *_closing(invoice)]),
    ]
    document.build(story, canvasmaker=footed)
    return buffer.getvalue()


def _head(invoice: Invoice) -> Table:
    seller, buyer = invoice.seller_snapshot, invoice.buyer_snapshot
    return Table(
        [
            [
                paragraph([seller.get("name", "")], SELLER),
                paragraph([texts.title(invoice)], TITLE),
            ],
            [
                paragraph([*texts.party(seller), seller.get("email", "")], BODY),
                paragraph(texts.facts(invoice), FACTS),
            ],
            ["", [paragraph([buyer.get("name", "")], BODY_BOLD)]],
            ["", [paragraph(texts.party(buyer), BODY)]],
        ],
        colWidths=[WIDTH * 0.54, WIDTH * 0.46],
        style=HEAD,
    )


def _lines_table(invoice: Invoice, lines: list[InvoiceLine]) -> Table:
    rows: list[list[Any]] = [
        [_("Description"), _("Quantity"), _("Unit price"), _("VAT"), _("Net amount")]
    ]
    rows += [
        [
            paragraph([line.label], BODY),
            f"{format_short(line.quantity)} {texts.unit(line.unit)}".strip(),
            format_short(line.unit_price, least=2),
            _rate(line.vat_rate),
            format_amount(line.net, invoice.currency),
        ]
        for line in lines
    ]
    return Table(rows, colWidths=LINE_COLUMNS, style=GRID, repeatRows=1)


def _totals(invoice: Invoice, lines: list[InvoiceLine]) -> Table:
    totals = vat.total((line.vat_rate, line.net) for line in lines)
    rates = [[pgettext("column", "VAT rate"), _("Net amount"), _("VAT")]]
    rates += [
        [
            _rate(each.rate),
            format_amount(each.net, invoice.currency),
            format_amount(each.vat, invoice.currency),
        ]
        for each in totals.per_rate
    ]
    sums = [
        [_("Total net"), format_amount(invoice.total_net, invoice.currency)],
        [_("Total VAT"), format_amount(invoice.total_vat, invoice.currency)],
        [texts.total(invoice), format_amount(invoice.total_gross, invoice.currency)],
    ]
    return Table(
        [
            [
                Table(rates, colWidths=RATE_COLUMNS, style=GRID, hAlign="LEFT"),
                Table(sums, colWidths=SUM_COLUMNS, style=SUMS, hAlign="RIGHT"),
            ]
        ],
        colWidths=[WIDTH - sum(SUM_COLUMNS), sum(SUM_COLUMNS)],
        style=SIDE_BY_SIDE,
    )


def _closing(invoice: Invoice) -> list[Flowable]:
    mentions = paragraph(texts.mentions(invoice), SMALL)
    payment = texts.payment(invoice)
    return [paragraph(payment, BODY), Spacer(1, 4 * mm), mentions] if payment else [mentions]


def _rate(rate: Decimal) -> str:
    return f"{format_short(rate)}\N{NO-BREAK SPACE}%"
