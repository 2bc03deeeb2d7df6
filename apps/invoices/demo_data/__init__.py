"""A believable French demo company: deterministic, and unable to reach anybody.

Own short lists instead of a faker: towns that match their postcode, and addresses only below
`.example`, which is reserved for ever, so that no wrong setting can mail an invoice to a stranger.
"""

from __future__ import annotations

from .facts import DemoCustomer, DemoInvoice, DemoLine
from .generator import SIZES, DemoData, generate

__all__ = ["SIZES", "DemoCustomer", "DemoData", "DemoInvoice", "DemoLine", "generate"]
