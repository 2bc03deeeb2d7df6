"""Invoices as PDF: the same invoice always gives the same bytes.

Text comes from the invoice's own frozen copies, so a customer who moves or a company that changes
its bank does not alter an invoice that has been sent. Fonts are shipped: nothing of the machine is
used. The data for machines travel inside (Factur-X).
"""

from __future__ import annotations

from .document import TEMPLATE_VERSION, render

__all__ = ["TEMPLATE_VERSION", "render"]
