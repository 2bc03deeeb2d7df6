"""Recompute a job's books from the ledger, from the tables it wrote and from the world outside."""

from __future__ import annotations

import json
import mailbox
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.kill.app.fates import FAILS, SKIPS
from tests.kill.house import House

#: Checks one job of so many items, the first of which has that number.
Check = Callable[..., "Books"]

COUNTERS = {"skipped": "skipped_items", "failed": "failed_items", "in_doubt": "in_doubt_items"}


@dataclass(frozen=True, kw_only=True)
class Books:
    """What a job says of itself, and each item's fate by its ledger."""

    row: dict[str, Any]
    lines: dict[str, str]

    @property
    def done(self) -> int:
        """Count the items that are done, by the row."""
        others = sum(self.row[name] for name in COUNTERS.values())
        return int(self.row["processed_items"] - others)

    def keys(self, outcome: str) -> set[str]:
        """Name the items of an outcome."""
        return {key for key, found in self.lines.items() if found == outcome}

    def done_of(self, keys: list[str]) -> set[str]:
        """Name the done ones of all items in their order: behind the cursor, not in the ledger."""
        cursor = json.loads(text_of(self.row["cursor"]))
        passed = cursor.get("1", {}).get("passed", 0)
        return set(keys[:passed]) - {key for key, found in self.lines.items() if found != "done"}


def read(house: House, job_id: str) -> Books:
    """Read a job's row and ledger, and check that they agree."""
    row = house.job(job_id)
    found = house.rows("SELECT * FROM core_jobitem WHERE job_id = ? AND track > 0", job_id)
    books = Books(row=row, lines={line["key"]: line["outcome"] for line in found})
    outcomes = Counter(books.lines.values())
    for outcome, counter in COUNTERS.items():
        assert row[counter] == outcomes[outcome], (outcome, row[counter], outcomes)
    assert row["processed_items"] <= (row["total_items"] or row["processed_items"])
    return books


def parts_of(house: House, job_id: str) -> list[dict[str, Any]]:
    """Read the rows of the jobs that a job was shared out in."""
    return house.rows("SELECT * FROM core_sseprogress WHERE parent_id = ? ORDER BY part", job_id)


def keys_from(first: int, items: int) -> list[str]:
    """Name the items of a job of the kill tests' own, in their order."""
    return [str(number) for number in range(first, first + items)]


def check_exact(house: House, job_id: str, items: int, first: int = 1) -> Books:
    """Check that each done item's effect is in the database once, and no other's."""
    books = read(house, job_id)
    rows = house.rows("SELECT item FROM kill_effect WHERE job = ?", job_id)
    effects = Counter(row["item"] for row in rows)
    done = books.done_of(keys_from(first, items))
    assert len(done) == books.done
    assert effects == Counter(done), (effects - Counter(done), Counter(done) - effects)
    return books


def check_outside(house: House, job_id: str, items: int, first: int = 1) -> Books:
    """Check that nothing left twice, and that whatever left is done or in doubt."""
    books = read(house, job_id)
    world = (line.split() for line in (house.outside / "world").read_text().splitlines())
    effects = Counter(item for job, item in world if job == job_id)
    done = books.done_of(keys_from(first, items))
    assert len(done) == books.done
    assert max(effects.values(), default=1) == 1, effects.most_common(3)
    assert done <= effects.keys(), done - effects.keys()
    assert effects.keys() - done <= books.keys("in_doubt"), effects.keys() - done
    return books


def check_shared_out(house: House, job_id: str, items: int, check: Check) -> Books:
    """Check each part with `check`, and that the whole is the sum of its parts."""
    lines: dict[str, str] = {}
    first = 1
    for part in parts_of(house, job_id):
        size = json.loads(text_of(part["args"]))["kwargs"]["items"]
        lines |= check(house, part["job_id"], size, first).lines
        first += size
    assert first == items + 1, "a part is missing, or there twice"
    return Books(row=check_sums(house, job_id), lines=lines)


def check_sums(house: House, job_id: str) -> dict[str, Any]:
    """Check that the row of a whole job says what its parts' rows add up to."""
    row, parts = house.job(job_id), parts_of(house, job_id)
    for counter in ("processed_items", "total_items", *COUNTERS.values()):
        assert row[counter] == sum(part[counter] for part in parts), counter
    return row


def check_plain(house: House, job_id: str) -> None:
    """Let the office's plain job end, and check that nobody has given it up before."""
    assert house.status(job_id) == "running"
    house.ask("enough")
    house.until(lambda: house.status(job_id) != "running")
    check_complete(read(house, job_id), house.processed(job_id))


def check_complete(books: Books, items: int) -> None:
    """Check that a job has come to its end with every item accounted for."""
    assert books.row["status"] == "completed", books.row
    assert books.row["processed_items"] == books.row["total_items"] == items


def check_fates(books: Books, items: int, *, skips: bool) -> None:
    """Check that just those items failed and were skipped that had to, but for the doubtful."""
    numbers = range(1, items + 1)
    skipped = {str(n) for n in numbers if skips and n % SKIPS == 0}
    failed = {str(n) for n in numbers if n % FAILS == 0} - skipped
    doubtful = books.keys("in_doubt")
    assert books.keys("failed") == failed - doubtful
    assert books.keys("skipped") == skipped - doubtful


def check_mail(house: House, job_id: str) -> Books:
    """Check the job against its deliveries, and both against what the mail server has taken."""
    deliveries = house.rows(
        "SELECT d.* FROM invoices_delivery d JOIN invoices_mailing m ON m.id = d.mailing_id "
        "WHERE m.job_id = ? ORDER BY d.id",
        job_id,
    )
    taken = mails_taken(house)
    mails = {str(d["id"]): taken[d["message_id"]] for d in deliveries}
    status = {str(d["id"]): d["status"] for d in deliveries}
    books, done = _mail_books(house, job_id, list(status))
    doubtful = books.keys("in_doubt")

    assert max(mails.values(), default=0) <= 1, mails
    assert len(done) == books.done
    for key, state in status.items():
        if key in done:
            assert (state, mails[key]) == ("accepted", 1)
        elif mails[key]:
            assert key in doubtful, (key, state, books.lines.get(key))
        if state == "unknown":
            assert key in doubtful
        if books.lines.get(key) == "failed":
            assert (state in ("refused", "failed"), mails[key]) == (True, 0)
    return books


def mails_taken(house: House) -> Counter[str]:
    """Count what the mail server has taken of each message, by its own files."""
    box = mailbox.Maildir(str(house.outside / "mailbox"), create=False)
    return Counter(str(mail["Message-ID"]) for mail in box)


def _mail_books(house: House, job_id: str, keys: list[str]) -> tuple[Books, set[str]]:
    """Read the books of a mailing's job, shared out or not, and name what is done."""
    parts = parts_of(house, job_id)
    if not parts:
        books = read(house, job_id)
        return books, books.done_of(keys)
    lines: dict[str, str] = {}
    done: set[str] = set()
    for part in parts:
        bounds = json.loads(text_of(part["args"]))["kwargs"]
        share = [key for key in keys if bounds["first"] <= int(key) <= bounds["last"]]
        books = read(house, part["job_id"])
        lines |= books.lines
        done |= books.done_of(share)
    return Books(row=check_sums(house, job_id), lines=lines), done


def text_of(value: Any) -> str:
    """Give JSON as text; PostgreSQL's driver has read it already."""
    return value if isinstance(value, str) else json.dumps(value)
