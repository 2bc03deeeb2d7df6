"""Who may read a job, asked of the real server."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Starter
from tests.support.clerk import Clerk
from tests.support.live import LiveHeron


@pytest.fixture(scope="module")
def claire(stack: LiveHeron) -> Clerk:
    """The demo's other user, who is no staff."""
    return Clerk(stack, "claire")


@pytest.fixture(scope="module")
def stranger(stack: LiveHeron) -> Clerk:
    """Somebody who is not logged in."""
    return Clerk(stack)


def test_somebody_elses_job_does_not_exist(start: Starter, claire: Clerk) -> None:
    mailing = start()
    api = f"/core/sse-progress/{mailing.job_id}/"

    assert claire.http.get(api).status_code == 404
    assert claire.http.get(f"{api}items.csv").status_code == 404
    assert claire.http.get(f"/core/jobs/{mailing.job_id}/").status_code == 404
    assert claire.http.get(mailing.path).status_code == 404
    assert claire.act(mailing.job_id, "cancel").status_code == 404


def test_somebody_elses_channel_is_forbidden(start: Starter, claire: Clerk) -> None:
    mailing = start()

    answer = claire.http.get("/core/events/", params={"channel": f"progress-{mailing.job_id}"})

    assert answer.status_code == 403
    assert mailing.lot.customer not in answer.text


def test_strangers_are_asked_to_log_in(start: Starter, stranger: Clerk) -> None:
    mailing = start()
    api = f"/core/sse-progress/{mailing.job_id}/"
    stream = f"/core/events/?channel=progress-{mailing.job_id}"

    assert [stranger.http.get(path).status_code for path in (api, stream)] == [401, 401]
    assert stranger.act(mailing.job_id, "cancel").status_code == 401


def test_the_owner_may_do_all_of_that(start: Starter, clerk: Clerk) -> None:
    mailing = start()
    stream = f"/core/events/?channel=progress-{mailing.job_id}"

    assert clerk.http.get(f"/core/sse-progress/{mailing.job_id}/").status_code == 200
    with clerk.http.stream("GET", stream) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert clerk.act(mailing.job_id, "cancel").status_code == 200
