"""ORDERS D.96A, EANCOM."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

from apps.edi.demo_data.articles import Article, articles
from apps.edi.demo_data.plan import Flaw, Plan

#: Messages written in one piece.
PIECE = 100


def write_orders(plan: Plan) -> Iterator[bytes]:
    """Write an interchange of orders, piece by piece."""
    random = plan.random()
    offered = articles(random)
    head = (
        f"UNA:+.? 'UNB+UNOC:3+{plan.sender}:14+{plan.recipient}:14"
        f"+{plan.day:%y%m%d}:0800+{plan.reference}'"
    )
    pieces = [head]
    for number in range(1, plan.messages + 1):
        flaw = plan.flaw_of(number)
        text = _order(plan, number, random, offered, flaw)
        if number == plan.messages and plan.has(Flaw.CUT):
            pieces.append(text[: len(text) * 2 // 3])
            yield _encoded(pieces)
            return
        pieces.append(text)
        if len(pieces) >= PIECE:
            yield _encoded(pieces)
            pieces = []
    announced = plan.messages + (3 if plan.has(Flaw.TOTAL) else 0)
    reference = "WRONG" if plan.has(Flaw.CONTROL) else plan.reference
    pieces.append(f"UNZ+{announced}+{reference}'")
    yield _encoded(pieces)


def _order(
    plan: Plan, number: int, random: Random, offered: list[Article], flaw: Flaw | None
) -> str:
    document = "" if flaw == Flaw.NUMBER else f"PO{plan.first + number - 1:07d}"
    day = "20261399" if flaw == Flaw.DATE else f"{plan.day:%Y%m%d}"
    delivery = plan.day + timedelta(days=random.randint(2, 14))
    segments = [
        f"UNH+{number}+ORDERS:D:96A:UN:EAN008",
        f"BGM+220+{document}+9",
        f"DTM+137:{day}:102",
        f"DTM+2:{delivery:%Y%m%d}:102",
        f"NAD+BY+{plan.sender}::9++Centrale d?'achat du Nord+12 rue des Lilas+Lille++59000+FR",
        f"NAD+SU+{plan.recipient}::9++Comptoir du Héron",
        "CUX+2:EUR:9",
    ]
    for line in range(1, plan.lines + 1):
        gtin, reference, label, price = random.choice(offered)
        quantity = "1020A" if flaw == Flaw.QUANTITY and line == 1 else str(random.randint(1, 96))
        segments += [
            f"LIN+{line}++{gtin}:EN",
            f"PIA+1+{reference}:SA",
            f"IMD+F++:::{label}",
            f"QTY+21:{quantity}:PCE",
            f"PRI+AAA:{price}:CA:NTP",
        ]
    segments += ["UNS+S", f"CNT+2:{plan.lines}"]
    if flaw != Flaw.TRAILER:
        count = len(segments) + (5 if flaw == Flaw.COUNT else 1)
        segments.append(f"UNT+{count}+{number + (1000 if flaw == Flaw.REFERENCE else 0)}")
    return "'".join(segments) + "'"


def _encoded(pieces: list[str]) -> bytes:
    return "".join(pieces).encode("iso8859-1")
