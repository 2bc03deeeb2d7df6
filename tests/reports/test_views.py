"""The reports' pages."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone, translation

from apps.core.models import SSEProgress
from apps.reports import forms
from apps.reports.kinds import KINDS
from apps.reports.models import LedgerEntry, Report
from apps.reports.periods import Period
from apps.reports.store import path_of
from apps.reports.writers import FORMATS
from tests.reports.factories import a_busy_spring, ask_for, build, make_sale, post_sales
from tests.support.database import shared_by_threads

pytestmark = pytest.mark.django_db

LIST, ASK = reverse("reports:list"), reverse("reports:ask")
PERIOD = {"first": "2026-01-01", "last": "2026-12-31"}


def page_of(report: Report, name: str = "report") -> str:
    return reverse(f"reports:{name}", args=[report.pk])


def made_for(user: User, kind: str = "entries", fmt: str = "csv") -> Report:
    return build(ask_for(kind, fmt, by=user))


# The list -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_form_and_an_estimate(as_alice: Client, kind: str) -> None:
    a_busy_spring()

    answer = as_alice.get(LIST, {"kind": kind, **PERIOD})

    assert answer.status_code == 200
    assert answer.context["kind"].name == kind
    assert answer.context["estimate"].rows > 0
    assert answer.context["estimate"].sentence in answer.content.decode()


def test_the_usual_period_is_the_last_twelve_months(monkeypatch: pytest.MonkeyPatch) -> None:
    for today, first in (
        (date(2026, 11, 28), date(2025, 12, 1)),
        (date(2026, 12, 31), date(2026, 1, 1)),
        (date(2026, 1, 1), date(2025, 2, 1)),
    ):
        monkeypatch.setattr(timezone, "localdate", lambda today=today: today)
        form = forms.form_for(KINDS["sales-journal"])
        assert form.is_valid()
        assert form.period == Period(first=first, last=today)


@pytest.mark.parametrize(
    "query", [{"kind": "nonsense"}, {"first": "yesterday"}, {"format": "doc"}, {"page": "x"}]
)
def test_an_address_with_nonsense_still_has_a_page(as_alice: Client, query: Any) -> None:
    assert as_alice.get(LIST, query).status_code == 200


def test_a_reader_sees_their_own_reports_and_staff_all(
    as_alice: Client, as_bob: Client, as_staff: Client, alice: User
) -> None:
    post_sales(make_sale())
    report = made_for(alice)

    def shown(client: Client) -> list[Report]:
        return [row.report for row in client.get(LIST).context["rows"]]

    assert shown(as_alice) == shown(as_staff) == [report]
    assert shown(as_bob) == []


def test_a_report_under_way_has_its_bar(as_alice: Client, alice: User) -> None:
    post_sales(make_sale())
    report = ask_for(by=alice)
    assert report.job is not None

    page = as_alice.get(LIST)

    assert [row.report for row in page.context["live"]] == [report]
    assert report.job.job_id in page.content.decode()


# Asking -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fmt"), [(kind.name, fmt) for kind in KINDS.values() for fmt in kind.formats]
)
def test_asking_starts_a_job_and_leads_to_the_report(
    as_alice: Client, alice: User, kind: str, fmt: str
) -> None:
    post_sales(make_sale())

    answer = as_alice.post(ASK, {"kind": kind, "format": fmt, "year": "2026", **PERIOD})

    report = Report.objects.get()
    assert answer.headers["Location"] == report.get_absolute_url()
    assert (report.owner, report.kind, report.format) == (alice, kind, fmt)
    assert report.asked.last == date(2026, 12, 31)
    job = SSEProgress.objects.get(user=alice, task_type="report")
    assert report.job == job
    with translation.override("fr"):
        assert job.title_text == str(KINDS[kind].label)


def test_a_program_gets_json(as_alice: Client) -> None:
    post_sales(make_sale())

    answer = as_alice.post(
        ASK, {"kind": "entries", "format": "csv", **PERIOD}, headers={"Accept": "application/json"}
    )

    report = Report.objects.get()
    assert answer.json() == {
        "success": True,
        "job_id": report.job_id,
        "url": report.get_absolute_url(),
    }


def test_the_estimate_button_starts_nothing(as_alice: Client) -> None:
    post_sales(make_sale())

    answer = as_alice.post(
        ASK,
        {"kind": "sales-journal", "format": "pdf", "do": "estimate", **PERIOD},
        follow=True,
    )

    assert answer.context["estimate"].rows == 1
    assert answer.context["form"].data["format"] == "pdf"
    assert "csrf" not in answer.redirect_chain[0][0]
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"kind": "nonsense"}, 404),
        ({"kind": "entries", "format": "pdf"}, 400),
        ({"kind": "entries", "first": "2026-13-01"}, 400),
        ({"kind": "entries", "first": "2027-01-01"}, 400),
        ({"kind": "fec", "format": "fec", "year": "1999"}, 400),
    ],
)
def test_what_makes_no_sense_is_refused(
    as_alice: Client, fields: dict[str, str], status: int
) -> None:
    post_sales(make_sale())

    answer = as_alice.post(ASK, {"format": "csv", **PERIOD, **fields})

    assert answer.status_code == status
    assert not SSEProgress.objects.exists()


def test_a_refusal_keeps_what_was_filled_in_and_says_why(as_alice: Client) -> None:
    answer = as_alice.post(
        ASK, {"kind": "entries", "format": "csv", "first": "2026-05-01", "last": "2026-04-01"}
    )

    page = answer.content.decode()
    assert 'value="2026-05-01"' in page
    assert "La période finit avant de commencer." in page


def test_no_data_is_said_before_anything_starts(as_alice: Client) -> None:
    answer = as_alice.post(ASK, {"kind": "entries", "format": "csv", **PERIOD})

    assert answer.status_code == 409
    assert "Aucune donnée" in answer.content.decode()
    assert not Report.objects.exists()


def test_a_pdf_of_too_many_rows_is_refused_with_advice(
    as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_busy_spring()
    monkeypatch.setattr(FORMATS["pdf"], "most_rows", 3)

    answer = as_alice.post(ASK, {"kind": "sales-journal", "format": "pdf", **PERIOD})

    assert answer.status_code == 409
    assert "Choisissez Excel ou CSV" in answer.content.decode()
    assert not Report.objects.exists()


@pytest.mark.parametrize("name", ["ask", "again"])
def test_asking_needs_a_post(as_alice: Client, alice: User, name: str) -> None:
    url = ASK if name == "ask" else page_of(ask_for(by=alice), "again")

    assert as_alice.get(url).status_code == 405


# One report ---------------------------------------------------------------------------------------


def test_a_finished_report_offers_its_file_and_shows_its_totals(
    as_alice: Client, alice: User
) -> None:
    post_sales(make_sale())
    report = made_for(alice)

    page = as_alice.get(page_of(report)).content.decode()

    assert page_of(report, "download") in page
    assert report.sha256 in page
    assert "120,00" in page


def test_a_report_under_way_offers_nothing_yet(as_alice: Client, alice: User) -> None:
    post_sales(make_sale())
    report = ask_for(by=alice)

    page = as_alice.get(page_of(report)).content.decode()

    assert page_of(report, "download") not in page
    assert as_alice.get(page_of(report, "download")).status_code == 410


def test_a_report_without_data_says_so(as_alice: Client, alice: User) -> None:
    report = made_for(alice)

    page = as_alice.get(page_of(report)).content.decode()

    assert "Aucune donnée" in page
    assert page_of(report, "download") not in page


def test_a_report_of_a_kind_that_is_no_more_is_not_found(as_alice: Client, alice: User) -> None:
    report = ask_for(by=alice)
    Report.objects.update(kind="abolished")

    assert as_alice.get(page_of(report)).status_code == 404
    assert as_alice.get(LIST).status_code == 200


@pytest.mark.parametrize("name", ["report", "download", "again"])
def test_anothers_report_is_not_found(
    as_alice: Client, as_bob: Client, alice: User, name: str
) -> None:
    post_sales(make_sale())
    report = made_for(alice)
    method = as_bob.post if name == "again" else as_bob.get

    assert method(page_of(report, name)).status_code == 404
    assert Report.objects.count() == 1


@pytest.mark.parametrize("name", ["list", "ask", "report", "download", "again"])
def test_strangers_are_led_to_the_login(client: Client, alice: User, name: str) -> None:
    report = ask_for(by=alice)
    url = reverse(f"reports:{name}", args=[] if name in ("list", "ask") else [report.pk])
    method = client.post if name in ("ask", "again") else client.get

    assert method(url).headers["Location"].startswith("/accounts/login/")


def test_running_it_again_makes_another_of_the_same(as_alice: Client, alice: User) -> None:
    report = ask_for("aged-receivables", "csv", Period(last=date(2026, 5, 5)), by=alice)

    answer = as_alice.post(page_of(report, "again"))

    other = Report.objects.exclude(pk=report.pk).get()
    assert answer.headers["Location"] == other.get_absolute_url()
    assert (other.kind, other.format, other.asked) == (report.kind, report.format, report.asked)


# The download -------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["as_alice", "as_staff"])
def test_the_file_is_downloaded_as_it_was_made(
    request: pytest.FixtureRequest, alice: User, who: str
) -> None:
    a_busy_spring()
    report = made_for(alice)
    client: Client = request.getfixturevalue(who)

    answer = client.get(page_of(report, "download"))

    assert b"".join(answer) == path_of(report.stored_name).read_bytes()
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{report.file_name}"'
    assert answer.headers["Content-Length"] == str(report.size)
    assert answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.django_db(transaction=True)
def test_under_asgi_the_file_is_sent_in_pieces(tmp_path: Path) -> None:
    client = AsyncClient()

    async def fetch(url: str) -> bytes:
        answer: Any = await client.get(url)
        assert answer.is_async
        pieces = [piece async for piece in answer.streaming_content]
        await sync_to_async(connections.close_all)()
        return b"".join(pieces)

    with shared_by_threads(tmp_path):
        alice = User.objects.create_user("alice")
        a_busy_spring()
        report = made_for(alice)
        client.force_login(alice)

        assert asyncio.run(fetch(page_of(report, "download"))) == (
            path_of(report.stored_name).read_bytes()
        )


def test_an_expired_file_is_gone_with_words_and_a_way_out(as_alice: Client, alice: User) -> None:
    post_sales(make_sale())
    report = made_for(alice)
    Report.objects.update(expires_at=timezone.now() - timedelta(days=1))

    answer = as_alice.get(page_of(report, "download"))

    assert answer.status_code == 410
    assert "Relancez le rapport" in answer.content.decode()
    assert page_of(report, "again") in answer.content.decode()
    assert "Relancez le rapport" in as_alice.get(page_of(report)).content.decode()


def test_a_file_that_somebody_removed_is_gone_with_words(as_alice: Client, alice: User) -> None:
    post_sales(make_sale())
    report = made_for(alice)
    path_of(report.stored_name).unlink()

    answer = as_alice.get(page_of(report, "download"))

    assert answer.status_code == 410
    assert "retiré du serveur" in answer.content.decode()


def test_the_pages_speak_english_too(as_alice: Client, alice: User) -> None:
    post_sales(make_sale())
    report = made_for(alice)

    for url, words in ((LIST, "Create the report"), (page_of(report), "State of the ledger")):
        page = as_alice.get(url, headers={"Accept-Language": "en"}).content.decode()
        assert words in page
        page = as_alice.get(url, headers={"Accept-Language": "fr"}).content.decode()
        assert words not in page


def test_the_navigation_leads_here(as_alice: Client) -> None:
    with translation.override("fr"):
        page = as_alice.get(LIST)

    items = {item.label: item for item in page.context["nav_items"]}
    assert items["Rapports"].is_page


@pytest.mark.parametrize("model", ["ledger", "ledgerentry", "report"])
def test_the_administration_shows_and_changes_nothing(
    client: Client, alice: User, model: str
) -> None:
    post_sales(make_sale())
    made_for(alice)
    client.force_login(User.objects.create_superuser("root"))
    pk = {
        "ledger": 1,
        "ledgerentry": LedgerEntry.objects.all()[0].pk,
        "report": Report.objects.get().pk,
    }
    change = reverse(f"admin:reports_{model}_change", args=[pk[model]])

    assert client.get(reverse(f"admin:reports_{model}_changelist")).status_code == 200
    assert client.get(change).status_code == 200
    assert client.post(change, {"label": "other"}).status_code == 403
    assert client.get(reverse(f"admin:reports_{model}_add")).status_code == 403
    assert (
        client.post(reverse(f"admin:reports_{model}_delete", args=[pk[model]])).status_code == 403
    )
