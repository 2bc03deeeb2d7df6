"""850 4010."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from apps.edi.demo_data.articles import Article, articles
from apps.edi.demo_data.edifact import PIECE
from apps.edi.demo_data.plan import Flaw, Plan


def write_850s(plan: Plan) -> Iterator[bytes]:
    """Write an interchange of purchase orders, piece by piece."""
    random = plan.random()
    offered = articles(random)
    control = f"{_digits(plan.reference):09d}"
    sender, recipient = f"{plan.sender:15.15}", f"{plan.recipient:15.15}"
    pieces = [
        f"ISA*00*{'':10}*00*{'':10}*ZZ*{sender}*ZZ*{recipient}*{plan.day:%y%m%d}*0800*U*00401"
        f"*{control}*0*P*>~\n",
        f"GS*PO*{plan.sender}*{plan.recipient}*{plan.day:%Y%m%d}*0800*1*X*004010~\n",
    ]
    for number in range(1, plan.messages + 1):
        text = _order(plan, number, random, offered, plan.flaw_of(number))
        if number == plan.messages and plan.has(Flaw.CUT):
            pieces.append(text[: len(text) * 2 // 3])
            yield "".join(pieces).encode()
            return
        pieces.append(text)
        if len(pieces) >= PIECE:
            yield "".join(pieces).encode()
            pieces = []
    announced = plan.messages + (3 if plan.has(Flaw.TOTAL) else 0)
    end = "999999999" if plan.has(Flaw.CONTROL) else control
    pieces.append(f"GE*{announced}*1~\nIEA*1*{end}~\n")
    yield "".join(pieces).encode()


def _order(
    plan: Plan, number: int, random: Random, offered: list[Article], flaw: Flaw | None
) -> str:
    document = "" if flaw == Flaw.NUMBER else f"PO{plan.first + number - 1:07d}"
    day = "20261399" if flaw == Flaw.DATE else f"{plan.day:%Y%m%d}"
    control = f"{number:09d}"
    segments = [
        f"ST*850*{control}",
        f"BEG*00*SA*{document}**{day}",
        "CUR*BY*USD",
        "N1*BY*Northern Buying*92*1001",
    ]
    for line in range(1, plan.lines + 1):
        gtin, reference, label, price = random.choice(offered)
        quantity = "1020A" if flaw == Flaw.QUANTITY and line == 1 else str(random.randint(1, 96))
        segments += [
            f"PO1*{line}*{quantity}*EA*{price}**EN*{gtin}*VN*{reference}",
            f"PID*F****{label}",
        ]
    segments.append(f"CTT*{plan.lines}")
    if flaw != Flaw.TRAILER:
        count = len(segments) + (5 if flaw == Flaw.COUNT else 1)
        end = "000000000" if flaw == Flaw.REFERENCE else control
        segments.append(f"SE*{count}*{end}")
    return "~\n".join(segments) + "~\n"


def _digits(reference: str) -> int:
    return int("".join(each for each in reference if each.isdigit())[-9:] or "1")
