"""The FEC: its columns, its name, and what keeps it from being offered."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from apps.core.models import JobItem, Outcome
from apps.reports.errors import FecRefusedError
from apps.reports.fec_checks import FecChecks
from apps.reports.models import LedgerEntry
from tests.reports.factories import (
    YEAR,
    a_busy_spring,
    ask_for,
    build,
    made,
    make_sale,
    post_sales,
    settle,
    text_of,
)

#: As article A. 47 A-1 of the LPF lists them.
COLUMNS = [
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
]


def lines_of(text: str) -> list[dict[str, str]]:
    head, *lines = text.removesuffix("\r\n").split("\r\n")
    assert head.split("\t") == COLUMNS
    return [dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in lines]


@pytest.mark.django_db
def test_a_line_has_eighteen_columns_in_the_words_of_the_law() -> None:
    sale = make_sale(("5.5", "1234.50", "67.90"), number="F2026-00007", customer="C1", name="Été")
    post_sales(sale)
    settle(sale, on=date(2026, 4, 1))

    customer, sales, vat, bank, receipt = lines_of(text_of(made("fec", "fec")))

    today = LedgerEntry.objects.all()[0].validated_on
    assert customer == {
        "JournalCode": "VE",
        "JournalLib": "Journal des ventes",
        "EcritureNum": "VE2026-000001",
        "EcritureDate": "20260302",
        "CompteNum": "411000",
        "CompteLib": "Clients",
        "CompAuxNum": "C1",
        "CompAuxLib": "Été",
        "PieceRef": "F2026-00007",
        "PieceDate": "20260302",
        "EcritureLib": "Facture F2026-00007 Été",
        "Debit": "1302,40",
        "Credit": "0,00",
        "EcritureLet": "F2026-00007",
        "DateLet": "20260401",
        "ValidDate": f"{today:%Y%m%d}",
        "Montantdevise": "",
        "Idevise": "",
    }
    assert (sales["CompteNum"], sales["Credit"]) == ("706000", "1234,50")
    assert (vat["CompteNum"], vat["Credit"]) == ("44571055", "67,90")
    assert (bank["JournalCode"], bank["CompteNum"], bank["Debit"]) == ("BQ", "512000", "1302,40")
    assert (receipt["CompteNum"], receipt["Credit"]) == ("411000", "1302,40")
    # Matched with each other.
    assert [line["EcritureLet"] for line in (customer, bank, receipt)] == [
        "F2026-00007",
        "",
        "F2026-00007",
    ]


@pytest.mark.django_db
def test_it_is_named_by_siren_and_closing_date() -> None:
    post_sales(make_sale())

    assert made("fec", "fec").file_name == "484811245FEC20261231.txt"


@pytest.mark.django_db
def test_its_debits_are_its_credits_and_it_comes_in_the_order_of_validation() -> None:
    a_busy_spring()
    post_sales(make_sale(day=date(2025, 6, 1)), make_sale(day=date(2026, 1, 1)))

    lines = lines_of(text_of(made("fec", "fec")))

    def cents(name: str) -> int:
        return sum(int(line[name].replace(",", "")) for line in lines)

    assert cents("Debit") == cents("Credit") > 0
    for journal in ("VE", "BQ"):
        numbers = [line["EcritureNum"] for line in lines if line["JournalCode"] == journal]
        assert numbers == sorted(numbers)
    assert {line["EcritureDate"][:4] for line in lines} == {"2026"}
    assert lines[-1]["EcritureDate"] == "20260101"  # the last validated is the earliest dated


@pytest.mark.django_db
def test_a_gap_in_the_numbers_keeps_the_file_back_and_is_told() -> None:
    post_sales(make_sale(), make_sale(), make_sale())
    # What the ledger itself never allows: an entry is gone.
    LedgerEntry.objects.filter(number=2)._raw_delete("default")

    report = build(ask_for("fec", "fec"))

    assert report.job is not None
    assert (report.job.status, report.job.error["code"]) == ("failed", "fec-checks")
    assert not report.stored_name
    warning = JobItem.objects.get(job=report.job, outcome=Outcome.WARNING)
    assert (warning.ref, warning.code) == ("VE2026-000003", "numbers")


def row(**changes: Any) -> tuple[Any, ...]:
    fields = {
        "journal": "VE",
        "year": 2026,
        "number": 1,
        "date": date(2026, 3, 2),
        "account": "411000",
        "account_label": "Clients",
        "auxiliary": "C1",
        "auxiliary_label": "Aubry",
        "piece": "F1",
        "label": "Facture F1",
        "debit": 100,
        "credit": 0,
        "letter": "",
        "lettered_on": None,
        "validated_on": date(2026, 3, 2),
    }
    return tuple({**fields, **changes}.values())


def counterpart(**changes: Any) -> tuple[Any, ...]:
    return row(**{"account": "706000", "debit": 0, "credit": 100, **changes})


def faults(*rows: tuple[Any, ...]) -> list[tuple[str, str]]:
    checks = FecChecks(YEAR)
    checks.look_at(rows)
    try:
        checks.finish()
    except FecRefusedError as refused:
        return [(fault.entry, fault.code) for fault in refused.faults]
    return []


def test_right_entries_pass() -> None:
    assert faults(row(), counterpart(), row(number=2), counterpart(number=2)) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"date": date(2025, 12, 31)}, "date"),
        ({"date": date(2027, 1, 1)}, "date"),
        ({"account": "41A000"}, "account"),
        ({"account": "41"}, "account"),
        ({"account_label": ""}, "account-label"),
        ({"label": ""}, "label"),
        ({"piece": ""}, "piece"),
        ({"label": "Facture\tF1"}, "characters"),
        ({"auxiliary_label": "Aubry\r\n"}, "characters"),
        ({"label": "a|b"}, "characters"),
        ({"credit": 100, "debit": 200}, "sides"),
    ],
)
def test_a_fault_is_found(changes: dict[str, Any], code: str) -> None:
    assert faults(row(**changes), counterpart()) == [("VE2026-000001", code)]


def test_entries_that_do_not_balance_are_found_even_if_the_totals_do() -> None:
    found = faults(row(debit=101), counterpart(), row(number=2, debit=99), counterpart(number=2))

    assert found == [("VE2026-000001", "balance"), ("VE2026-000002", "balance")]


def test_totals_that_differ_are_found() -> None:
    assert faults(row(debit=101), counterpart()) == [("VE2026-000001", "balance"), ("", "totals")]


@pytest.mark.parametrize("numbers", [[2], [1, 3], [1, 1_000], [1, 2, 1]])
def test_numbers_that_do_not_follow_each_other_are_found(numbers: list[int]) -> None:
    rows = [each for n in numbers for each in (row(number=n), counterpart(number=n))]

    assert [code for _entry, code in faults(*rows)] == ["numbers"]


def test_of_very_many_faults_only_some_are_described() -> None:
    checks = FecChecks(YEAR)
    checks.look_at([row(label="") for _ in range(500)])

    with pytest.raises(FecRefusedError) as refused:
        checks.finish()

    assert len(refused.value.faults) == 50
    assert refused.value.count >= 500
