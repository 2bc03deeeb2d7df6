"""The reason that a reader is given for each outcome."""

from __future__ import annotations

import pytest
from django.utils import translation

from apps.invoices.models import Delivery, DeliveryStatus
from apps.invoices.outcomes import PILLS, reason


@pytest.mark.parametrize(
    ("status", "code", "words", "said"),
    [
        ("refused", 550, "5.1.1 no such user", "550 5.1.1 no such user"),
        ("refused", None, "", "compta(at)x is not an e-mail address."),
        ("refused", None, "not taken", "not taken"),
        ("failed", 451, "4.2.0 later", "451 4.2.0 later"),
        ("failed", None, "no ink", "no ink"),
        ("skipped", None, "", "The customer has no e-mail address."),
        ("accepted", 250, "2.0.0 queued as 4711", ""),
        ("pending", None, "", ""),
    ],
)
def test_the_reason_is_the_servers_words_or_ours(
    status: str, code: int | None, words: str, said: str
) -> None:
    delivery = Delivery(recipient="compta(at)x", smtp_code=code, smtp_text=words)

    with translation.override("en"):
        assert reason(delivery, status) == said


def test_a_mail_in_doubt_says_that_it_may_have_been_sent() -> None:
    with translation.override("en"):
        assert "may have been sent" in reason(Delivery(), "unknown")


def test_every_outcome_has_a_pill() -> None:
    assert set(DeliveryStatus.values) < set(PILLS)
