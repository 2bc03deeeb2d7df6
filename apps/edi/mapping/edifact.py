"""ORDERS, DESADV and INVOIC, EANCOM D.96A to D.01B, as documents."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from apps.edi.mapping.drafts import INVOICES, Draft, Line, Party
from apps.edi.mapping.findings import AMOUNT, PER, PRICE, QUANTITY, Values
from apps.edi.reader.events import Message
from apps.edi.reader.faults import Kind
from apps.edi.reader.segments import Segment

#: UNH 0065 → the kind of document.
KINDS = {"ORDERS": "order", "DESADV": "despatch", "INVOIC": "invoice"}
#: Article numbers of GS1 (7143).
GTIN = frozenset({"EN", "SRV", "UP", "EAN", "UA"})
BUYERS = frozenset({"IN", "BP"})
SUPPLIERS = frozenset({"SA", "VN", "VP", "MF"})
#: The quantity that counts (6063), the first that comes: ordered, despatched, invoiced.
QUANTITIES = frozenset({"21", "12", "47", "1", "46"})
#: The price to pay (5125) before others.
PRICES = ("AAA", "INV", "AAB", "CAL")
#: Amounts (5025): of a line, of all lines, and of the document by what says most.
LINE_AMOUNTS = frozenset({"203", "66"})
TOTALS = ("77", "39", "9", "128", "86")
#: Dates (2005) of a delivery.
DELIVERIES = frozenset({"2", "35", "63", "64", "17", "69", "11"})
#: What BGM calls a credit note (1001).
CREDIT_NOTES = frozenset({"381", "396", "420"})
#: How far the sum of the lines may be from the total, for each line.
TOLERANCE = Decimal("0.01")


class EdifactMapper:
    """Goes through one message's segments."""

    def __init__(self, message: Message, kind: str) -> None:
        self.draft = Draft(kind)
        self._message = message
        self._values = Values(message, self.draft)
        self._line: Line | None = None
        self._price_rank = len(PRICES)
        self._total_rank = len(TOTALS)
        self._lines_total: tuple[Segment, Decimal] | None = None
        self._announced: tuple[Segment, int, int, Decimal] | None = None
        self._sscc = ""
        self._is_summary = False
        self._take: dict[str, Callable[[Segment], None]] = {
            "BGM": self._bgm,
            "DTM": self._dtm,
            "RFF": self._rff,
            "NAD": self._nad,
            "CUX": self._cux,
            "LIN": self._lin,
            "PIA": self._pia,
            "IMD": self._imd,
            "QTY": self._qty,
            "PRI": self._pri,
            "MOA": self._moa,
            "GIN": self._gin,
            "CPS": self._cps,
            "UNS": self._uns,
            "CNT": self._cnt,
        }

    def map(self) -> Draft:
        """Make the draft."""
        take = self._take
        for segment in self._message.segments:
            handle = take.get(segment.tag)
            if handle is not None:
                handle(segment)
        self._values.check(announced_lines=self._announced)
        self._check_sum()
        return self.draft

    def _bgm(self, bgm: Segment) -> None:
        self.draft.number = bgm.get(2)
        self.draft.function = bgm.get(3) or "9"
        if self.draft.kind == "invoice" and bgm.get(1) in CREDIT_NOTES:
            self.draft.kind = "credit"
        if len(self.draft.number) > 70:
            self._values.note(Kind.TOO_PRECISE, bgm, 2, 1, found=self.draft.number)

    def _dtm(self, dtm: Segment) -> None:
        draft, qualifier = self.draft, dtm.get(1)
        if self._line is not None:
            return
        if qualifier == "137" or (qualifier == "3" and draft.date is None):
            draft.date = self._values.day(dtm, 1, 1, dtm.get(1, 2)) or draft.date
        elif qualifier in DELIVERIES and draft.delivery_date is None:
            draft.delivery_date = self._values.day(dtm, 1, 1, dtm.get(1, 2))

    def _rff(self, rff: Segment) -> None:
        if rff.get(1) == "ON" and not self.draft.order_ref:
            self.draft.order_ref = rff.get(1, 1)[:70]

    def _nad(self, nad: Segment) -> None:
        if self._line is not None:
            return
        name = (nad.get(4) or nad.get(3))[:200]
        party = Party(nad.get(2)[:80], name)
        match nad.get(1):
            case "BY":
                self.draft.buyer = party
            case "SU" | "SE":
                self.draft.supplier = party
            case "DP" | "ST" | "CN":
                self.draft.ship_to = party
            case _:
                pass

    def _cux(self, cux: Segment) -> None:
        if self._line is None and not self.draft.currency:
            self.draft.currency = cux.get(1, 1)[:3]

    def _lin(self, lin: Segment) -> None:
        line = Line(len(self.draft.lines) + 1, sscc=self._sscc)
        self._line = line
        self._price_rank = len(PRICES)
        self.draft.lines.append(line)
        self._article(lin, 3, line)

    def _pia(self, pia: Segment) -> None:
        if self._line is not None:
            for element in range(2, min(len(pia.elements), 7)):
                self._article(pia, element, self._line)

    def _article(self, segment: Segment, element: int, line: Line) -> None:
        written, kind = segment.get(element), segment.get(element, 1)
        if not written:
            return
        if kind in GTIN and not line.gtin:
            self._values.gtin(segment, element, 0, line)
        elif kind in BUYERS:
            line.buyer_ref = written[:80]
        elif kind in SUPPLIERS or not kind:
            line.supplier_ref = line.supplier_ref or written[:80]

    def _imd(self, imd: Segment) -> None:
        line = self._line
        if line is not None and not line.label:
            line.label = " ".join(filter(None, (imd.get(3, 3), imd.get(3, 4))))[:500]

    def _qty(self, qty: Segment) -> None:
        line = self._line
        if line is not None and qty.get(1) in QUANTITIES and line.quantity is None:
            line.quantity = self._values.number(qty, 1, 1, kept=QUANTITY)
            line.unit = qty.get(1, 2)[:8]
            if not qty.get(1, 1):
                self._values.note(Kind.VALUE_MISSING, qty, 1, 2, what="quantity")

    def _pri(self, pri: Segment) -> None:
        line, qualifier = self._line, pri.get(1)
        if line is None or qualifier not in PRICES:
            return
        rank = PRICES.index(qualifier)
        if rank < self._price_rank:
            self._price_rank = rank
            line.price = self._values.number(pri, 1, 1, kept=PRICE)
            line.price_per = self._values.number(pri, 1, 4, kept=PER) or Decimal(1)

    def _moa(self, moa: Segment) -> None:
        qualifier, line = moa.get(1), self._line
        if line is not None and not self._is_summary:
            if qualifier in LINE_AMOUNTS:
                line.net = self._values.number(moa, 1, 1, kept=AMOUNT)
        elif qualifier in TOTALS:
            rank = TOTALS.index(qualifier)
            if rank < self._total_rank:
                self._total_rank = rank
                self.draft.total = self._values.number(moa, 1, 1, kept=AMOUNT)
        elif qualifier == "79":
            amount = self._values.number(moa, 1, 1, kept=AMOUNT)
            if amount is not None:
                self._lines_total = (moa, amount)

    def _gin(self, gin: Segment) -> None:
        if gin.get(1) == "BJ":
            if self._line is not None:
                self._line.sscc = gin.get(2)[:35]
            else:
                self._sscc = gin.get(2)[:35]

    def _cps(self, _cps: Segment) -> None:
        """A new package of a despatch advice: what follows is no longer of the last line."""
        if self.draft.kind == "despatch":
            self._line, self._sscc = None, ""

    def _uns(self, _uns: Segment) -> None:
        self._is_summary = True

    def _cnt(self, cnt: Segment) -> None:
        if cnt.get(1) == "2":
            announced = self._values.number(cnt, 1, 1, kept=AMOUNT)
            if announced is not None:
                self._announced = (cnt, 1, 2, announced)

    def _check_sum(self) -> None:
        """Compare an invoice's lines with what it says that they add up to."""
        if self._lines_total is None or self.draft.kind not in INVOICES:
            return
        segment, announced = self._lines_total
        nets = [line.net for line in self.draft.lines]
        known = [net for net in nets if net is not None]
        if len(known) == len(nets) and abs(sum(known) - announced) > TOLERANCE * len(nets):
            self._values.note(
                Kind.TOTALS, segment, 1, 2, announced=str(announced), found=str(sum(known))
            )
