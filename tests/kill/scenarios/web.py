"""The web process is killed while it answers a click on "Send"."""

from __future__ import annotations

import mailbox
import threading
from collections import Counter
from random import Random
from uuid import uuid4

import httpx

from heron.demo.process import Process
from tests.kill import books
from tests.kill.app.seams import CLICK
from tests.kill.house import House
from tests.kill.work import MAILS, pause

#: Somewhere in the time that a click takes.
CLICK_S = 0.15


class Browser:
    """Somebody who is logged in, and clicks."""

    def __init__(self, house: House) -> None:
        self._http = httpx.Client(
            base_url=house.web_url,
            headers={"Accept": "application/json"},
            timeout=30,
            trust_env=False,
        )
        self._http.get("/accounts/login/", headers={"Accept": "text/html"})
        answer = self._post("/accounts/login/", {"username": "clerk", "password": "clerk"})
        assert answer is not None
        assert answer.status_code == 302, answer.text

    def send(self, invoices: list[int]) -> httpx.Response | None:
        """Send invoices; None when the answer never came."""
        return self._post("/invoices/send/", {"invoice_ids": invoices})

    def _post(self, path: str, fields: dict[str, object]) -> httpx.Response | None:
        token = self._http.cookies["csrftoken"]
        try:
            return self._http.post(path, data={**fields, "csrfmiddlewaretoken": token})
        except httpx.TransportError:
            return None


class Selection:
    """Invoices that somebody wants to send, and what became of them by the database."""

    def __init__(self, house: House, rng: Random) -> None:
        self.house = house
        kinds = ["good", "good", "good", "slow-200"]
        #: Nobody else writes to them, so that the mail server's files tell of these mails alone.
        #: None is refused: those could be sent again by a second click, and should be.
        self.addresses = [f"{rng.choice(kinds)}@{uuid4().hex}.example" for _ in range(MAILS)]
        self.invoices: list[int] = house.ask("invoices", self.addresses)
        self._before = self._jobs()

    def _jobs(self) -> set[str]:
        rows = self.house.rows(
            "SELECT job_id FROM core_sseprogress WHERE task_type = ?", "email_sending"
        )
        return {row["job_id"] for row in rows}

    def jobs(self) -> set[str]:
        """Name the jobs started since; each belongs to a mailing with all of the invoices."""
        found = self._jobs() - self._before
        first, last = self.invoices[0], self.invoices[-1]
        deliveries = self.house.rows(
            "SELECT m.job_id FROM invoices_delivery d JOIN invoices_mailing m "
            "ON m.id = d.mailing_id WHERE d.invoice_id BETWEEN ? AND ?",
            first,
            last,
        )
        assert Counter(row["job_id"] for row in deliveries) == dict.fromkeys(found, MAILS)
        return found

    def check(self) -> None:
        """Wait for the end of the one job, and recompute the books from three sides."""
        (job,) = self.jobs()
        self.house.until(lambda: self.house.status(job) == "completed")
        found = books.check_mail(self.house, job)
        books.check_complete(found, MAILS)
        assert not found.keys("in_doubt")
        assert self.jobs() == {job}
        box = mailbox.Maildir(str(self.house.outside / "mailbox"), create=False)
        taken = Counter(str(mail["X-Envelope-To"]) for mail in box)
        assert {each: taken[each] for each in self.addresses} == dict.fromkeys(self.addresses, 1)


def the_web_process_dies_at_a_seam_of_the_click(house: House, rng: Random) -> None:
    """SIGKILL before the commit, after it, after the bell, or before the answer."""
    browser, selection = _come_in(house, rng)
    point, dead = rng.choice(CLICK), house.processes["web"]
    house.failpoints.set(point)

    assert browser.send(selection.invoices) is None

    house.until(lambda: house.failpoints.struck(point))
    assert len(selection.jobs()) == (0 if point == "click.inserted" else 1)
    _click_again(house, browser, selection, dead)


def the_web_process_dies_in_mid_click(house: House, rng: Random) -> None:
    """SIGKILL at any moment of a click, or of two clicks at once."""
    browser, selection = _come_in(house, rng)
    answers: list[httpx.Response | None] = []
    clicks = [
        threading.Thread(target=lambda who=who: answers.append(who.send(selection.invoices)))
        for who in [browser, Browser(house)][: rng.randint(1, 2)]
    ]
    for click in clicks:
        click.start()
    threading.Event().wait(rng.uniform(0, CLICK_S))
    dead = house.processes["web"]
    house.kill("web")
    for click in clicks:
        click.join()

    assert len(selection.jobs()) <= 1
    _click_again(house, browser, selection, dead)


def _come_in(house: House, rng: Random) -> tuple[Browser, Selection]:
    house.keep("web")
    house.until(house.web_answers)
    return Browser(house), Selection(house, rng)


def _click_again(house: House, browser: Browser, selection: Selection, dead: Process) -> None:
    """Do what people do when no answer came: it starts what did not start, and nothing else."""
    before = selection.jobs()
    house.until(lambda: house.processes["web"] is not dead and house.web_answers())
    answer = browser.send(selection.invoices)
    assert answer is not None
    assert answer.status_code == (409 if before else 200), answer.text
    selection.check()
    pause(house, 0.5)
    selection.check()
    house.dismiss("web")
