"""Files read back: the same rows, the same sums to the cent, and nothing that runs."""

from __future__ import annotations

import csv
import gc
import sys
from datetime import date
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from apps.reports.cents import plain, pretty
from apps.reports.kinds import KINDS
from apps.reports.models import Ledger, LedgerEntry, Report
from apps.reports.store import path_of
from apps.reports.writers import xlsx_file
from apps.reports.writers.memo import LIMIT, Memo
from tests.reports.factories import (
    a_busy_spring,
    made,
    make_sale,
    period_of,
    post_sales,
    text_of,
)

pytestmark = pytest.mark.django_db

EVIL = ('=HYPERLINK("http://x.example";"a")', "+1+1", "-2+3", "@SUM(A1)", "\tx")


def stored_rows(kind: str, number: int = 0) -> list[tuple[Any, ...]]:
    document = KINDS[kind].document(LedgerEntry.objects.all(), period_of(kind), Ledger.load())
    return [row for chunk in document.tables[number].chunks() for row in chunk]


def book(report: Report) -> CalamineWorkbook:
    return CalamineWorkbook.from_path(str(path_of(report.stored_name)))


def csv_rows(report: Report) -> list[list[str]]:
    return list(csv.reader(StringIO(text_of(report).removeprefix("\ufeff")), delimiter=";"))


def pdf_text(report: Report) -> str:
    reader = PdfReader(BytesIO(path_of(report.stored_name).read_bytes()))
    text = "\n".join(page.extract_text() for page in reader.pages)
    return text.replace("\N{NO-BREAK SPACE}", " ")


def printed(cents: int) -> str:
    return pretty(cents).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("kind", ["entries", "sales-journal", "aged-receivables", "vat-summary"])
def test_a_workbook_holds_the_ledgers_rows_and_sums(kind: str) -> None:
    a_busy_spring()

    opened = book(made(kind, "xlsx"))

    for number, name in enumerate(opened.sheet_names[1:]):
        head, *rows = opened.get_sheet_by_name(name).to_python(skip_empty_area=False)
        expected = stored_rows(kind, number)
        assert len(rows) == len(expected) > 0
        document = KINDS[kind].document(LedgerEntry.objects.all(), period_of(kind), Ledger.load())
        for row, wanted in zip(rows, expected, strict=True):
            for column, read, value in zip(
                document.tables[number].columns, row, wanted, strict=True
            ):
                _assert_same(column.cell.name, read, value)
        for place, cents in document.tables[number].sums.items():
            assert sum(in_cents(row[place]) for row in rows) == cents
            assert head[place] == document.tables[number].columns[place].label


def in_cents(read: Any) -> int:
    cents: int = round(read * 100)
    return cents


def _assert_same(cell: str, read: Any, value: Any) -> None:
    if cell == "CENTS":
        assert round(read * 100) == value
        assert f"{read:.2f}" == plain(value).replace(",", ".")
    elif cell == "RATE":
        assert round(read * 10000) == value * 100
    else:
        assert read == value


def test_the_first_sheet_says_what_the_others_hold() -> None:
    a_busy_spring()
    report = made("entries", "xlsx")

    sheet = book(report).get_sheet_by_index(0).to_python()

    words = {row[0]: row[1] for row in sheet if row[0]}
    assert "alice" in words.values()
    assert "Comptoir du Héron (SIREN 484811245)" in words.values()
    assert [report.rows, report.control_totals[0][1] / 100] == [
        value for value in words.values() if isinstance(value, float)
    ][:2]


def test_a_full_sheet_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_file, "SHEET_ROWS", 51)
    a_busy_spring()

    opened = book(made("entries", "xlsx"))

    sheets = [
        opened.get_sheet_by_name(name).to_python(skip_empty_area=False)
        for name in opened.sheet_names[1:]
    ]
    assert [len(rows) - 1 for rows in sheets] == [50, 50, 50, 6]
    assert opened.sheet_names[2] == f"{opened.sheet_names[1]} (2)"
    assert all(sheet[0] == sheets[0][0] for sheet in sheets)
    debits = [in_cents(row[9]) for rows in sheets for row in rows[1:]]
    assert debits == [row[9] for row in stored_rows("entries")]


def test_a_sheet_prints_with_all_columns_and_a_head_on_each_page() -> None:
    a_busy_spring()

    with ZipFile(path_of(made("entries", "xlsx").stored_name)) as packed:
        sheet = packed.read("xl/worksheets/sheet2.xml").decode()
        names = packed.read("xl/workbook.xml").decode()
        styles = packed.read("xl/styles.xml").decode()

    assert '<pageSetup paperSize="9" fitToHeight="0" orientation="landscape"/>' in sheet
    assert '<pageSetUpPr fitToPage="1"/>' in sheet
    assert "$1:$1" in names
    # A day looks as everywhere else in the reader's own country.
    assert 'numFmtId="14"' in styles


def test_nothing_in_a_workbook_is_a_formula() -> None:
    post_sales(*(make_sale(name=name, customer=f"C{n}") for n, name in enumerate(EVIL)))
    report = made("aged-receivables", "xlsx")

    rows = book(report).get_sheet_by_index(1).to_python()

    # As text, and unchanged: in a typed cell nothing runs.
    assert [row[1] for row in rows[1:]] == [name.strip() for name in EVIL]
    assert b"<f>" not in b"".join(_parts(report))


def _parts(report: Report) -> list[bytes]:
    with ZipFile(path_of(report.stored_name)) as file:
        return [file.read(name) for name in file.namelist() if "sheet" in name]


def test_nothing_in_a_csv_begins_as_a_formula() -> None:
    post_sales(*(make_sale(name=name, customer=f"=C{n}") for n, name in enumerate(EVIL)))

    rows = csv_rows(made("aged-receivables", "csv"))

    assert rows[1][:2] == ["'=C0", f"'{EVIL[0]}"]
    texts = [cell for row in rows for cell in row[:2]]
    assert not [text for text in texts if text.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_a_csv_opens_in_a_french_spreadsheet() -> None:
    post_sales(make_sale(("20", "1234.50", "246.90"), name='Été; « & » "x"', credit_note=True))
    report = made("sales-journal", "csv")

    raw = path_of(report.stored_name).read_bytes()
    (row,) = csv_rows(report)[1:]

    assert raw.startswith(b"\xef\xbb\xbf")
    assert row[4] == 'Été; « & » "x"'
    assert row[-3:] == ["-1234,50", "-246,90", "-1481,40"]


def test_a_pdf_shows_rows_months_and_totals() -> None:
    a_busy_spring(customers=20)
    report = made("sales-journal", "pdf")

    text = pdf_text(report)

    rows = stored_rows("sales-journal")
    assert all(row[1] in text for row in rows)
    for cents in [sums for _name, sums in report.control_totals]:
        assert printed(cents) in text
    for month in stored_rows("sales-journal", 1):
        assert printed(month[-1]) in text


def test_the_same_pdf_has_the_same_bytes() -> None:
    a_busy_spring()
    first, second = made("vat-summary", "pdf"), made("vat-summary", "pdf")

    assert first.sha256 == second.sha256


def test_an_amount_is_never_cut_in_a_pdf() -> None:
    post_sales(
        make_sale(
            *((rate, "9999999999.99", "9999.99") for rate in ("20", "10", "5.5", "2.1", "0.5"))
        )
    )

    assert printed(999_999_999_999) in pdf_text(made("sales-journal", "pdf"))


def test_a_long_name_is_cut_in_a_pdf_only() -> None:
    name = "Société anonyme des ateliers de menuiserie et de charpente du Haut-Poitou et fils"
    post_sales(make_sale(name=name))

    text = pdf_text(made("sales-journal", "pdf"))

    assert name not in text
    assert "Société anonyme des" in text
    assert "…" in text


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_ledger_gives_no_file(kind: str) -> None:
    report = made(kind, KINDS[kind].formats[0])

    assert report.job is not None
    assert "No data" in report.job.result["summary"]
    assert (report.stored_name, report.job.processed_items) == ("", 0)


@pytest.mark.parametrize(
    ("cents", "text"), [(0, "0,00"), (5, "0,05"), (-5, "-0,05"), (-123450, "-1234,50")]
)
def test_cents_are_written_with_a_comma(cents: int, text: str) -> None:
    assert plain(cents) == text


def test_a_memo_does_not_grow_for_ever() -> None:
    memo = Memo(str)

    texts = [memo[n] for n in range(3 * LIMIT)]

    assert texts == [str(n) for n in range(3 * LIMIT)]
    assert len(memo) <= LIMIT


def test_the_file_says_when_the_ledger_was_so() -> None:
    post_sales(make_sale(day=date(2026, 3, 2)))
    report = made()

    assert report.snapshot_at is not None
    assert report.expires_at is not None
    assert (report.expires_at - report.snapshot_at).days == 30


@pytest.mark.parametrize("looks", [1, 20])
def test_packing_a_workbook_can_be_stopped(
    looks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A big one takes long after its last row."""

    class Stop(BaseException):
        pass

    looked: list[None] = []
    complaints: list[Any] = []

    def look_up() -> None:
        looked.append(None)
        if len(looked) == looks:
            raise Stop

    a_busy_spring()
    monkeypatch.setattr(xlsx_file, "LOOK_EVERY", 1)
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    wanted = KINDS["entries"].document(
        LedgerEntry.objects.all(), period_of("entries"), Ledger.load()
    )

    with pytest.raises(Stop):
        xlsx_file.XlsxFile().write(tmp_path / "book", wanted, lambda table: table.chunks(), look_up)
    gc.collect()

    assert len(looked) == looks
    assert complaints == []
