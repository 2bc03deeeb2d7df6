"""The words on an invoice: parties, facts and the mentions that French law asks for."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.invoices.models import Invoice, InvoiceKind
from apps.invoices.money import format_day, format_short

UNITS = {"C62": "", "HUR": "h", "KGM": "kg", "MTR": "m", "LTR": "l"}


def title(invoice: Invoice) -> str:
    """Name the kind of document."""
    if invoice.kind == InvoiceKind.CREDIT_NOTE:
        return _("Credit note")
    return _("Invoice")


def party(snapshot: dict[str, str]) -> list[str]:
    """Write a party's address and identifiers, without its name."""
    siren, vat_number = snapshot.get("siren", ""), snapshot.get("vat_number", "")
    return [
        snapshot.get("address", ""),
        f"{snapshot.get('postcode', '')} {snapshot.get('city', '')}".strip(),
        f"SIREN {siren}" if siren else "",
        _("VAT number %(number)s") % {"number": vat_number} if vat_number else "",
    ]


def facts(invoice: Invoice) -> list[str]:
    """Write the number, the dates and the order."""
    lines = [_("No. %(number)s") % {"number": invoice.number}]
    issued = {"day": format_day(invoice.issue_date)}
    if invoice.kind == InvoiceKind.CREDIT_NOTE:
        lines.append(pgettext("credit note", "Issued on %(day)s") % issued)
    else:
        lines.append(_("Issued on %(day)s") % issued)
        lines.append(_("Due on %(day)s") % {"day": format_day(invoice.due_date)})
    if invoice.corrects is not None:
        corrected = {
            "number": invoice.corrects.number,
            "day": format_day(invoice.corrects.issue_date),
        }
        lines.append(_("On invoice %(number)s of %(day)s") % corrected)
    if invoice.order_ref:
        lines.append(_("Your order %(reference)s") % {"reference": invoice.order_ref})
    lines.append(_("Customer %(code)s") % {"code": invoice.buyer_snapshot.get("code", "")})
    return lines


def unit(code: str) -> str:
    """Name a UNECE unit code."""
    if code == "DAY":
        return pgettext("days", "d")
    return UNITS.get(code, code)


def legal_line(seller: dict[str, str]) -> str:
    """Write the issuer's registration, for the foot of each page."""
    capital = int(seller.get("capital") or 0)
    parts = [
        f"{seller.get('name', '')}, {seller.get('legal_form', '')}".strip(", "),
        _("capital %(amount)s €") % {"amount": format_short(Decimal(capital))} if capital else "",
        f"SIRET {seller['siret']}" if seller.get("siret") else "",
        seller.get("rcs", ""),
        _("VAT number %(number)s") % {"number": seller["vat_number"]}
        if seller.get("vat_number")
        else "",
    ]
    return " · ".join(part for part in parts if part)


def total(invoice: Invoice) -> str:
    """Name the last line of the sums: a credit note asks for nothing."""
    if invoice.kind == InvoiceKind.CREDIT_NOTE:
        return _("Total in your favour")
    return _("Total to pay")


def payment(invoice: Invoice) -> list[str]:
    """Say where to pay; nothing when it is we who owe."""
    seller = invoice.seller_snapshot
    if not seller.get("iban") or invoice.kind == InvoiceKind.CREDIT_NOTE:
        return []
    iban = seller["iban"].replace(" ", "")
    grouped = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
    return [_("Please pay by bank transfer:"), f"IBAN {grouped}", f"BIC {seller.get('bic', '')}"]


def mentions(invoice: Invoice) -> list[str]:
    """Give the mentions that French law asks for.

    Articles L441-9 and D441-5 of the commercial code; of what is sold, article 242 nonies A of
    annex II to the tax code.
    """
    sold = {"category": invoice.get_operation_category_display()}
    category = _("Category of operations: %(category)s.") % sold
    if invoice.kind == InvoiceKind.CREDIT_NOTE:
        return [category, _("This amount will be refunded or set against your next invoices.")]
    return [
        category,
        _("No discount for early payment."),
        _(
            "Late payment: penalties at three times the legal interest rate, and a fixed "
            "compensation of 40 € for recovery costs."
        ),
    ]
