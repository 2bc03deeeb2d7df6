"""Read values out of segments, and note what is wrong with them and where."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from apps.edi.mapping.drafts import INVOICES, Draft, Line
from apps.edi.mapping.values import TooPrecise, day, has_right_check_digit, number
from apps.edi.reader.events import Message
from apps.edi.reader.faults import MOST_FAULTS, Fault, Kind, Level, shown
from apps.edi.reader.segments import Segment

#: Kind → the code of an acknowledgement: EDIFACT 0085, and X12's AK4 or AK3.
CODES = {
    Kind.VALUE_MISSING: ("13", "AK4*1"),
    Kind.BAD_NUMBER: ("12", "AK4*6"),
    Kind.TOO_PRECISE: ("39", "AK4*5"),
    Kind.BAD_DAY: ("12", "AK4*8"),
    Kind.NO_LINES: ("13", "AK3*3"),
    Kind.LINE_COUNT: ("29", "AK4*7"),
    Kind.TOTALS: ("12", "AK4*7"),
    Kind.CHECK_DIGIT: ("12", "AK4*7"),
    Kind.NO_INVOICE: ("13", "AK4*1"),
}
#: Digits and decimal places that are kept.
QUANTITY = (18, 4)
PRICE = (18, 6)
AMOUNT = (18, 2)
PER = (12, 3)


class Values:
    """The values of one message."""

    def __init__(self, message: Message, draft: Draft) -> None:
        self.message = message
        self.draft = draft
        self._standard = 1 if message.interchange.standard == "x12" else 0

    def note(
        self, kind: Kind, segment: Segment, element: int = 0, component: int = 0, **params: Any
    ) -> None:
        """Note a finding; `element` and `component` count from 1, 0 is the whole segment."""
        if len(self.draft.findings) < MOST_FAULTS:
            cut = {name: shown(v) if isinstance(v, str) else v for name, v in params.items()}
            self.draft.findings.append(
                Fault(
                    kind=kind,
                    level=Level.SEGMENT,
                    code=CODES[kind][self._standard],
                    segment=segment.number,
                    offset=segment.offset,
                    tag=segment.tag,
                    element=element,
                    component=component,
                    params=cut,
                )
            )

    def number(
        self, segment: Segment, element: int, component: int = 0, *, kept: tuple[int, int]
    ) -> Decimal | None:
        """Read a number; None when there is none, or it is wrong."""
        written = segment.get(element, component)
        if not written:
            return None
        try:
            value = number(written, *kept)
        except TooPrecise:
            self.note(Kind.TOO_PRECISE, segment, element, component + 1, found=written)
            return None
        if value is None:
            self.note(Kind.BAD_NUMBER, segment, element, component + 1, found=written)
        return value

    def day(
        self, segment: Segment, element: int, component: int = 0, form: str = "102"
    ) -> date | None:
        """Read a day; None when there is none, or it is wrong."""
        written = segment.get(element, component)
        if not written:
            return None
        value = day(written, form)
        if value is None:
            self.note(Kind.BAD_DAY, segment, element, component + 1, found=written)
        return value

    def gtin(self, segment: Segment, element: int, component: int, line: Line) -> None:
        """Take an article number, with a remark when its check digit is wrong."""
        line.gtin = segment.get(element, component)[:35]
        if not has_right_check_digit(line.gtin):
            self.note(Kind.CHECK_DIGIT, segment, element, component + 1, found=line.gtin)

    def check(self, *, announced_lines: tuple[Segment, int, int, Decimal] | None) -> None:
        """Check what holds for every document."""
        draft, header = self.draft, self.message.header
        if not draft.number:
            self.note(Kind.VALUE_MISSING, header, what="number")
        if draft.date is None and not any(f.kind == Kind.BAD_DAY for f in draft.findings):
            self.note(Kind.VALUE_MISSING, header, what="date")
        if not draft.lines and draft.function != "1":
            self.note(Kind.NO_LINES, header)
        for line in draft.lines:
            if line.quantity is None and not draft.refusals and draft.kind not in INVOICES:
                self.note(Kind.VALUE_MISSING, header, what="quantity", line=line.position)
        if announced_lines is not None:
            segment, element, component, announced = announced_lines
            if announced != len(draft.lines):
                self.note(
                    Kind.LINE_COUNT,
                    segment,
                    element,
                    component,
                    announced=str(announced),
                    found=len(draft.lines),
                )
