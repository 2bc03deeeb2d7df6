"""850, 856 and 810, 4010 to 5010, as documents."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from apps.edi.mapping.drafts import INVOICES, Draft, Line, Party
from apps.edi.mapping.findings import AMOUNT, PRICE, QUANTITY, Values
from apps.edi.reader.events import Message
from apps.edi.reader.faults import Kind
from apps.edi.reader.segments import Segment

#: ST01 → the kind of document.
KINDS = {"850": "order", "856": "despatch", "810": "invoice"}
#: Product qualifiers (235).
GTIN = frozenset({"UP", "UK", "EN", "UI", "UA", "UE"})
BUYERS = frozenset({"BP", "IN", "PI", "SK", "BO"})
SUPPLIERS = frozenset({"VN", "VP", "VA", "VC", "MG", "MF"})
#: Purpose (353) → EDIFACT 1225.
PURPOSES = {"00": "9", "01": "1", "04": "4", "05": "5", "06": "9", "07": "7"}
#: Dates (374) of a delivery.
DELIVERIES = frozenset({"002", "010", "011", "017", "035", "067", "068"})
#: What BIG calls a credit memo (640).
CREDIT_MEMOS = frozenset({"CN", "CR", "CG"})
CENTS = Decimal("0.01")


class X12Mapper:
    """Goes through one transaction set's segments."""

    def __init__(self, message: Message, kind: str) -> None:
        self.draft = Draft(kind)
        self._message = message
        self._values = Values(message, self.draft)
        self._line: Line | None = None
        self._announced: tuple[Segment, int, int, Decimal] | None = None
        self._take: dict[str, Callable[[Segment], None]] = {
            "BEG": self._beg,
            "BIG": self._big,
            "BSN": self._bsn,
            "CUR": self._cur,
            "DTM": self._dtm,
            "PRF": self._prf,
            "N1": self._n1,
            "PO1": self._item,
            "IT1": self._item,
            "LIN": self._lin,
            "SN1": self._sn1,
            "PID": self._pid,
            "MAN": self._man,
            "HL": self._hl,
            "AMT": self._amt,
            "TDS": self._tds,
            "CTT": self._ctt,
        }
        self._sscc = ""

    def map(self) -> Draft:
        """Make the draft."""
        take = self._take
        for segment in self._message.segments:
            handle = take.get(segment.tag)
            if handle is not None:
                handle(segment)
        self._values.check(announced_lines=self._announced)
        return self.draft

    def _begin(self, segment: Segment, *, number: int, day: int, purpose: int) -> None:
        self.draft.number = segment.get(number).strip()
        self.draft.date = self._values.day(segment, day)
        if purpose:
            self.draft.function = PURPOSES.get(segment.get(purpose), "9")
        if len(self.draft.number) > 70:
            self._values.note(Kind.TOO_PRECISE, segment, number, 1, found=self.draft.number)

    def _beg(self, beg: Segment) -> None:
        self._begin(beg, number=3, day=5, purpose=1)

    def _big(self, big: Segment) -> None:
        self._begin(big, number=2, day=1, purpose=8)
        self.draft.order_ref = big.get(4)[:70]
        if big.get(7) in CREDIT_MEMOS:
            self.draft.kind = "credit"

    def _bsn(self, bsn: Segment) -> None:
        self._begin(bsn, number=2, day=3, purpose=1)

    def _cur(self, cur: Segment) -> None:
        self.draft.currency = cur.get(2)[:3]

    def _dtm(self, dtm: Segment) -> None:
        draft = self.draft
        if self._line is None and draft.delivery_date is None and dtm.get(1) in DELIVERIES:
            draft.delivery_date = self._values.day(dtm, 2)

    def _prf(self, prf: Segment) -> None:
        self.draft.order_ref = self.draft.order_ref or prf.get(1)[:70]

    def _n1(self, n1: Segment) -> None:
        if self._line is not None:
            return
        party = Party(n1.get(4)[:80], n1.get(2)[:200])
        match n1.get(1):
            case "BY":
                self.draft.buyer = party
            case "SE" | "SU" | "VN" | "SF":
                if n1.get(1) != "SF" or not self.draft.supplier.name:
                    self.draft.supplier = party
            case "ST":
                self.draft.ship_to = party
            case _:
                pass

    def _item(self, item: Segment) -> None:
        """PO1 and IT1 are alike: number, quantity, unit, price, basis, and pairs of references."""
        line = self._new_line()
        line.quantity = self._values.number(item, 2, kept=QUANTITY)
        line.unit = item.get(3)[:8]
        line.price = self._values.number(item, 4, kept=PRICE)
        self._articles(item, 6, line)
        if self.draft.kind in INVOICES and line.price is not None and line.quantity is not None:
            line.net = (line.price * line.quantity).quantize(CENTS)

    def _lin(self, lin: Segment) -> None:
        self._articles(lin, 2, self._line or self._new_line())

    def _sn1(self, sn1: Segment) -> None:
        line = self._line or self._new_line()
        line.quantity = self._values.number(sn1, 2, kept=QUANTITY)
        line.unit = sn1.get(3)[:8]

    def _new_line(self) -> Line:
        line = Line(len(self.draft.lines) + 1, sscc=self._sscc)
        self.draft.lines.append(line)
        self._line = line
        return line

    def _articles(self, segment: Segment, first: int, line: Line) -> None:
        for element in range(first, min(len(segment.elements) - 1, first + 20), 2):
            kind, written = segment.get(element), segment.get(element + 1)
            if not written:
                continue
            if kind in GTIN and not line.gtin:
                self._values.gtin(segment, element + 1, 0, line)
            elif kind in BUYERS:
                line.buyer_ref = written[:80]
            elif kind in SUPPLIERS:
                line.supplier_ref = written[:80]

    def _pid(self, pid: Segment) -> None:
        if self._line is not None and not self._line.label:
            self._line.label = pid.get(5)[:500]

    def _man(self, man: Segment) -> None:
        if man.get(1) in ("GM", "AA"):
            if self._line is not None:
                self._line.sscc = man.get(2)[:35]
            else:
                self._sscc = man.get(2)[:35]

    def _hl(self, hl: Segment) -> None:
        """A level of a despatch advice; an item's is a line."""
        if self.draft.kind != "despatch":
            return
        self._line = None
        if hl.get(3) == "I":
            self._new_line()
        elif hl.get(3) in ("P", "T"):
            self._sscc = ""

    def _amt(self, amt: Segment) -> None:
        if amt.get(1) == "TT":
            self.draft.total = self._values.number(amt, 2, kept=AMOUNT)

    def _tds(self, tds: Segment) -> None:
        """The total of an invoice, in cents (N2)."""
        cents = self._values.number(tds, 1, kept=AMOUNT)
        if cents is not None:
            self.draft.total = cents / 100 if "." not in tds.get(1) else cents

    def _ctt(self, ctt: Segment) -> None:
        announced = self._values.number(ctt, 1, kept=AMOUNT)
        if announced is not None:
            self._announced = (ctt, 1, 1, announced)
