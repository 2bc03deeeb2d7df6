"""The code in docs/ is what the shop runs, or is run here; and both languages show the same."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.template import engines
from django.test import RequestFactory
from dramatiq.brokers.stub import StubBroker

from apps.core.fanout import settle
from apps.core.models import SSEProgress
from apps.core.runner import run
from apps.core.snapshot import snapshot
from apps.core.statuses import Status
from tests.guide.conftest import SHOP

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = ("guide.fr.md", "guide.en.md")
ACTORS = ("writing-actors.md", "ecrire-un-acteur.md")


def blocks(document: str, language: str) -> list[str]:
    text = (DOCS / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def without_comments(code: str) -> str:
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    kept = [(t.type, t.string) for t in tokens if t.type not in (tokenize.COMMENT, tokenize.NL)]
    return tokenize.untokenize(kept)


def statements(code: str) -> list[str]:
    return [ast.dump(statement) for statement in ast.parse(code).body]


def squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("guide", GUIDES)
def test_every_function_of_the_guide_is_the_shops(guide: str) -> None:
    shops = {s for path in SHOP.rglob("*.py") for s in statements(path.read_text("utf-8"))}
    shown = [block for block in blocks(guide, "python") if "def " in block]

    assert len(shown) == 4
    for block in shown:
        assert [s for s in statements(block) if s not in shops] == []


@pytest.mark.parametrize("guide", GUIDES)
def test_every_template_of_the_guide_is_the_shops(guide: str) -> None:
    shops = [squeezed(path.read_text("utf-8")) for path in SHOP.rglob("*.html")]
    shown = blocks(guide, "html")

    assert len(shown) == 3
    for block in shown:
        assert any(squeezed(block) in shop for shop in shops)


@pytest.mark.parametrize("guide", GUIDES)
def test_every_setting_of_the_guide_is_the_shops(guide: str) -> None:
    settings = (SHOP / "shop" / "settings.py").read_text("utf-8")
    (shown,) = [block for block in blocks(guide, "python") if "INSTALLED_APPS" in block]

    for word in re.findall(r'"[\w.]+"', without_comments(shown)):
        assert word in settings


@pytest.mark.parametrize("documents", [GUIDES, ACTORS])
def test_both_languages_show_the_same_code(documents: tuple[str, str]) -> None:
    french, english = ([without_comments(b) for b in blocks(d, "python")] for d in documents)

    assert french == english
    assert blocks(documents[0], "html") == blocks(documents[1], "html")


@pytest.mark.parametrize("document", [*GUIDES, *ACTORS])
def test_every_file_that_is_linked_exists(document: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (DOCS / document).read_text("utf-8"))

    assert [link for link in links if not (DOCS / link).exists()] == []


@pytest.fixture
def shown(broker: StubBroker, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module made of all that docs/writing-actors.md shows."""
    module = ModuleType("reminders")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec("\n".join(blocks(ACTORS[0], "python")), module.__dict__)
    return module


def test_the_test_that_the_document_shows_passes(shown: Any, transactional_db: None) -> None:
    shown.test_people_without_an_address_are_skipped()

    assert [message.to for message in mail.outbox] == [["anna@example.org"]]


def test_the_view_starts_the_job_and_leads_to_its_page(shown: Any, alice: User) -> None:
    request = RequestFactory().post("/")
    request.user = alice

    response = shown.remind(request)

    job = SSEProgress.objects.get()
    assert response.url == f"/core/jobs/{job.job_id}/"
    assert (job.user, job.status) == (alice, Status.PENDING)


def test_the_reminders_leave_and_each_outcome_is_in_the_books(shown: Any, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(email="alice@example.org")
    User.objects.create_user("bert", email="")
    User.objects.create_user("carl", email="carl@invalid")
    job = shown.remind_everybody.start_for(alice, text="See you tomorrow.")

    run(job.job_id, shown.remind_everybody.fn)

    job.refresh_from_db()
    assert job.status == Status.COMPLETED
    assert job.books.counts() == {"done": 1, "skipped": 1, "failed": 1, "in_doubt": 0, "left": 0}
    assert {item.ref: item.code for item in job.items.all()} == {
        "bert": "no-address",
        "carl": "bad-address",
    }


def test_the_parts_of_a_job_add_up(shown: Any, alice: User) -> None:
    job = shown.check_all.start_for(alice, number=250)

    run(job.job_id, shown.check_all.fn)
    for part in job.parts.all():
        run(part.job_id, shown.check_some.fn)
    settle(job.job_id)

    job.refresh_from_db()
    assert job.status == Status.COMPLETED
    assert [part.total_items for part in job.parts.order_by("part")] == [100, 100, 50]
    assert job.books.counts() == {"done": 225, "skipped": 25, "failed": 0, "in_doubt": 0, "left": 0}
    assert "225" in snapshot(job)["result"]["summary"]


def test_the_stages_add_up(shown: Any, alice: User) -> None:
    job = shown.count_letters.start_for(alice, ["one", "three"])

    run(job.job_id, shown.count_letters.fn)

    job.refresh_from_db()
    assert job.status == Status.COMPLETED
    state = snapshot(job)
    assert state["result"]["summary"] == "8 letters"
    assert state["stage"]["index"] == 2


def test_the_tag_shows_the_bar(shown: Any, alice: User) -> None:
    job = shown.count_letters.start_for(alice, ["one", "three"])
    (template,) = blocks(ACTORS[0], "html")
    request = RequestFactory().get("/")
    request.user = alice

    page = engines["django"].from_string(template).render({"job": job}, request)

    assert f'<sse-progress job-id="{job.job_id}"' in page
    assert "js/sse_progress.js" in page
