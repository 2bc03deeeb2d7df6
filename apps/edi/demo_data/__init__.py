"""EDI files to look at and to test with: of any size, right or wrong in chosen ways.

Deterministic: the same plan gives the same bytes. Nothing of Django.
"""

from __future__ import annotations

from apps.edi.demo_data.edifact import write_orders
from apps.edi.demo_data.plan import Flaw, Plan
from apps.edi.demo_data.x12 import write_850s

__all__ = ["Flaw", "Plan", "write", "write_850s", "write_orders"]


def write(plan: Plan) -> bytes:
    """Write a whole file at once."""
    return b"".join(write_850s(plan) if plan.standard == "x12" else write_orders(plan))
