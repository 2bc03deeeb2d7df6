"""Messages as drafts: what each type says, in EDIFACT and in X12."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.edi.mapping import Draft, draft_of
from apps.edi.mapping.values import TooPrecise, day, has_right_check_digit, number
from apps.edi.reader import Kind, Message, read

UNB = "UNB+UNOC:3+S:14+R:14+260105:1200+REF1'"
ISA = (
    "ISA*00*          *00*          *ZZ*BUYER          *ZZ*SELLER         "
    "*260105*1200*U*00401*000000001*0*P*>~"
)


def edifact(kind: str, *segments: str) -> Draft:
    body = "'".join([f"UNH+1+{kind}:D:96A:UN", *segments, f"UNT+{len(segments) + 2}+1"])
    return _draft(f"{UNB}{body}'UNZ+1+REF1'")


def x12(kind: str, *segments: str) -> Draft:
    body = "~".join([f"ST*{kind}*0001", *segments, f"SE*{len(segments) + 2}*0001"])
    return _draft(f"{ISA}GS*PO*B*S*20260105*1200*1*X*004010~{body}~GE*1*1~IEA*1*000000001~")


def _draft(text: str) -> Draft:
    (message,) = [event for event in read([text.encode()]) if isinstance(event, Message)]
    assert message.faults == []
    draft = draft_of(message)
    assert draft is not None
    return draft


HEAD = ("BGM+380+F1+9", "DTM+137:20260105:102")


def test_an_invoice_has_its_amounts() -> None:
    draft = edifact(
        "INVOIC",
        *HEAD,
        "RFF+ON:PO9",
        "CUX+2:EUR:4",
        "LIN+1++3760012345670:EN",
        "QTY+47:2:PCE",
        "MOA+203:19,90",
        "PRI+AAB:12",
        "PRI+AAA:9,95:CA::100:C62",
        "UNS+S",
        "MOA+79:19.9",
        "MOA+9:23.88",
        "MOA+77:23.88",
    )

    assert draft.findings == []
    assert (draft.kind, draft.number, draft.order_ref) == ("invoice", "F1", "PO9")
    assert draft.total == Decimal("23.88")
    (line,) = draft.lines
    assert (line.quantity, line.net) == (Decimal(2), Decimal("19.90"))
    assert (line.price, line.price_per) == (Decimal("9.95"), Decimal(100))


def test_an_invoice_whose_lines_do_not_add_up_is_refused() -> None:
    draft = edifact("INVOIC", *HEAD, "LIN+1", "QTY+47:1", "MOA+203:10", "UNS+S", "MOA+79:10.02")

    (finding,) = draft.refusals
    assert finding.kind == Kind.TOTALS
    assert finding.params == {"announced": "10.02", "found": "10"}


def test_a_cent_a_line_is_let_pass() -> None:
    draft = edifact("INVOIC", *HEAD, "LIN+1", "MOA+203:10", "UNS+S", "MOA+79:10.01")

    assert draft.refusals == []


def test_a_despatch_advice_keeps_the_package_of_each_line() -> None:
    draft = edifact(
        "DESADV",
        "BGM+351+LS1+9",
        "DTM+137:202601051530:203",
        "DTM+11:20260105:102",
        "CPS+1",
        "CPS+2+1",
        "PAC+1++CT",
        "GIN+BJ+340123450000000017",
        "LIN+1++3760012345670:EN",
        "QTY+12:6:PCE",
        "CPS+3+1",
        "GIN+BJ+340123450000000024",
        "LIN+2++3760012345670:EN",
        "QTY+12:4:PCE",
    )

    assert draft.date == date(2026, 1, 5)
    assert [line.sscc for line in draft.lines] == ["340123450000000017", "340123450000000024"]
    assert [line.quantity for line in draft.lines] == [6, 4]


@pytest.mark.parametrize(
    ("changed", "kind", "place"),
    [
        ("QTY+21:10X", Kind.BAD_NUMBER, ("QTY", 1, 2)),
        ("QTY+21:1,000.5", Kind.BAD_NUMBER, ("QTY", 1, 2)),
        ("QTY+21:1.00001", Kind.TOO_PRECISE, ("QTY", 1, 2)),
        ("QTY+21:123456789012345", Kind.TOO_PRECISE, ("QTY", 1, 2)),
        ("QTY+21", Kind.VALUE_MISSING, ("QTY", 1, 2)),
    ],
)
def test_a_wrong_value_is_found_with_its_place(
    changed: str, kind: Kind, place: tuple[str, int, int]
) -> None:
    draft = edifact("ORDERS", "BGM+220+P1+9", "DTM+137:20260105:102", "LIN+1", changed)

    finding = draft.refusals[0]
    assert finding.kind == kind
    assert (finding.tag, finding.element, finding.component) == place


def test_what_is_missing_is_said() -> None:
    draft = edifact("ORDERS", "BGM+220", "NAD+BY+1::9")

    assert [finding.params.get("what") for finding in draft.refusals] == ["number", "date", None]
    assert draft.refusals[-1].kind == Kind.NO_LINES


def test_an_impossible_date_is_refused() -> None:
    draft = edifact("ORDERS", "BGM+220+P1+9", "DTM+137:20261399:102", "LIN+1", "QTY+21:1")

    assert [finding.kind for finding in draft.refusals] == [Kind.BAD_DAY]


def test_wrong_line_counts_and_check_digits_are_remarks() -> None:
    draft = edifact(
        "ORDERS",
        "BGM+220+P1+9",
        "DTM+137:20260105:102",
        "LIN+1++3760012345671:EN",
        "QTY+21:1",
        "UNS+S",
        "CNT+2:3",
    )

    assert [finding.kind for finding in draft.findings] == [Kind.CHECK_DIGIT, Kind.LINE_COUNT]
    assert draft.refusals == []


def test_an_850_is_an_order() -> None:
    draft = x12(
        "850",
        "BEG*05*SA*PO1**20260105",
        "CUR*BY*USD",
        "DTM*002*20260112",
        "N1*BY*Big Box*9*1234",
        "N1*ST*Store 7*92*0007",
        "PO1*1*12*EA*9.25**UP*012345678905*VN*V-1*BP*B-1",
        "PID*F****Coffee",
        "CTT*1",
    )

    assert draft.findings == []
    assert (draft.number, draft.function, draft.currency) == ("PO1", "5", "USD")
    assert draft.delivery_date == date(2026, 1, 12)
    assert (draft.buyer.name, draft.ship_to.id) == ("Big Box", "0007")
    (line,) = draft.lines
    assert (line.gtin, line.supplier_ref, line.buyer_ref) == ("012345678905", "V-1", "B-1")
    assert (line.quantity, line.price, line.label) == (Decimal(12), Decimal("9.25"), "Coffee")


def test_an_810_is_an_invoice_with_its_total_in_cents() -> None:
    draft = x12("810", "BIG*20260105*INV1**PO1", "IT1*1*3*EA*1.10**VN*V-1", "TDS*330")

    assert (draft.kind, draft.order_ref, draft.total) == ("invoice", "PO1", Decimal("3.30"))
    assert draft.lines[0].net == Decimal("3.30")


def test_an_856_has_a_line_for_each_item_level() -> None:
    draft = x12(
        "856",
        "BSN*00*SH1*20260105*1200",
        "HL*1**S",
        "HL*2*1*O",
        "PRF*PO1",
        "HL*3*2*P",
        "MAN*GM*00340123450000000017",
        "HL*4*3*I",
        "LIN**UP*012345678905",
        "SN1**6*EA",
        "HL*5*3*I",
        "LIN**UP*012345678905",
        "SN1**2*EA",
    )

    assert (draft.kind, draft.number, draft.order_ref) == ("despatch", "SH1", "PO1")
    assert [(line.quantity, line.sscc) for line in draft.lines] == [
        (Decimal(6), "00340123450000000017"),
        (Decimal(2), "00340123450000000017"),
    ]


@given(st.decimals(min_value=-(10**13), max_value=10**13, places=4, allow_nan=False))
def test_numbers_are_read_with_either_mark(value: Decimal) -> None:
    written = f"{value:f}"

    assert number(written, 18, 4) == value
    assert number(written.replace(".", ","), 18, 4) == value


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_none_or_too_long(text: str) -> None:
    try:
        found = number(text, 18, 4)
    except TooPrecise:
        return
    assert found is None or abs(found) < 10**14


@given(st.text(max_size=14), st.sampled_from(["102", "203", "101", "718", ""]))
def test_any_text_is_a_day_or_none(text: str, form: str) -> None:
    found = day(text, form)

    assert found is None or isinstance(found, date)


@pytest.mark.parametrize(
    ("gtin", "right"),
    [
        ("3760012345670", True),
        ("3760012345671", False),
        ("96385074", True),
        ("012345678905", True),
        ("376001234567X", False),
        ("12", False),
        ("", False),
    ],
)
def test_check_digits(gtin: str, right: bool) -> None:
    assert has_right_check_digit(gtin) is right
