"""VAT per rate, on the sum of the lines."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.invoices import vat

D = Decimal

lines = st.lists(
    st.tuples(
        st.sampled_from(vat.RATES),
        st.decimals(min_value=D("-99999"), max_value=D("99999"), places=2),
    ),
    max_size=30,
)


@pytest.mark.parametrize(
    ("quantity", "price", "net"),
    [
        ("1", "10", "10.00"),
        ("3", "0.335", "1.01"),
        ("0.333", "9.99", "3.33"),
        ("1", "0.005", "0.01"),
        ("-1", "0.005", "-0.01"),
        ("2.5", "1.1111", "2.78"),
        ("10000", "1234.5678", "12345678.00"),
    ],
)
def test_a_line_is_rounded_to_the_cent_halves_away_from_zero(
    quantity: str, price: str, net: str
) -> None:
    assert vat.line_net(D(quantity), D(price)) == D(net)


@pytest.mark.parametrize(
    ("rows", "net", "tax", "gross"),
    [
        ([], "0.00", "0.00", "0.00"),
        ([("20", "100.00")], "100.00", "20.00", "120.00"),
        ([("5.5", "10.00")], "10.00", "0.55", "10.55"),
        ([("2.1", "96.00")], "96.00", "2.02", "98.02"),
        ([("0", "42.42")], "42.42", "0.00", "42.42"),
        # Three times 0.01 at 20 %: per line it would be 0.00, on the sum it is 0.01.
        ([("20", "0.01")] * 3, "0.03", "0.01", "0.04"),
        # Per line 1.28 + 1.28 = 2.56; on the sum 2.55.
        ([("5.5", "23.19")] * 2, "46.38", "2.55", "48.93"),
        ([("20", "100"), ("20.00", "50")], "150.00", "30.00", "180.00"),
        ([("20", "-100.00")], "-100.00", "-20.00", "-120.00"),
    ],
)
def test_vat_is_computed_on_the_sum_of_a_rate(
    rows: list[tuple[str, str]], net: str, tax: str, gross: str
) -> None:
    totals = vat.total((D(rate), D(amount)) for rate, amount in rows)

    assert (totals.net, totals.vat, totals.gross) == (D(net), D(tax), D(gross))


def test_rates_are_told_apart_from_the_highest_to_the_lowest() -> None:
    totals = vat.total([(D("5.5"), D("10")), (D("20.00"), D("1")), (D("20"), D("2"))])

    assert [(line.rate, line.net) for line in totals.per_rate] == [
        (D(20), D(3)),
        (D("5.5"), D(10)),
    ]


@given(lines)
def test_totals_add_up_whatever_the_lines(rows: list[tuple[Decimal, Decimal]]) -> None:
    totals = vat.total(rows)

    assert totals.net == sum(net for _, net in rows)
    assert totals.gross == totals.net + totals.vat
    assert totals.vat == sum(line.vat for line in totals.per_rate)
    for line in totals.per_rate:
        assert abs(line.vat - line.net * line.rate / 100) <= D("0.005")


@given(lines)
def test_the_order_of_the_lines_does_not_matter(rows: list[tuple[Decimal, Decimal]]) -> None:
    assert vat.total(reversed(rows)) == vat.total(rows)
