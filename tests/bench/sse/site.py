"""People and jobs for the readers: `python -m tests.bench.sse.site JOBS OWNERS STAFF`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heron.demo.surroundings import ROOT, python

if TYPE_CHECKING:
    from django.contrib.auth.models import User

#: As many streams as each person holds; below what a person may.
STREAMS_EACH = 10


@dataclass(frozen=True, kw_only=True)
class Site:
    """What is in a database that `build` has filled."""

    #: Each job's id and its owner's primary key.
    jobs: list[tuple[str, int]]
    #: The session of each job's owner, place by place.
    sessions: list[str]
    #: Sessions of people who may see every job.
    staff: list[str]

    def readers_of_one(self, streams: int) -> list[tuple[str, str]]:
        """Give job and session of each reader, all of the first job."""
        return [
            (self.jobs[0][0], self.staff[place // STREAMS_EACH % len(self.staff)])
            for place in range(streams)
        ]

    def readers_of_own(self, streams: int) -> list[tuple[str, str]]:
        """Give job and session of each reader, each of a job of theirs."""
        ids = [job_id for job_id, _ in self.jobs[:streams]]
        return list(zip(ids, self.sessions[:streams], strict=True))


def build(env: Mapping[str, str], jobs: int, on_one: int) -> Site:
    """Make the tables, the people and so many jobs, of which the first has `on_one` readers."""
    subprocess.run(
        python("manage.py", "migrate", "--no-input", "--verbosity", "0"),
        cwd=ROOT,
        env=env,
        check=True,
    )
    owners, staff = (-(-streams // STREAMS_EACH) for streams in (jobs, on_one))
    told = subprocess.run(
        python("-m", "tests.bench.sse.site", str(jobs), str(owners), str(staff)),
        cwd=ROOT,
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    made = json.loads(told.stdout)
    return Site(
        jobs=[(job_id, owner) for job_id, owner in made["jobs"]],
        sessions=made["sessions"],
        staff=made["staff"],
    )


def fill(jobs: int, owners: int, staff: int) -> None:
    """Fill this process's database, and print who and what is there."""
    import django

    django.setup()
    from django.contrib.auth.models import User

    from apps.core.models import SSEProgress
    from tests.bench.sse import states

    def people(name: str, count: int, *, is_staff: bool) -> list[User]:
        made = [User(username=f"{name}-{n}", is_staff=is_staff) for n in range(count)]
        return User.objects.bulk_create(made)

    owning = people("owner", owners, is_staff=False)
    rows = [
        states.job(f"bench-{n:05d}-0000-0000-0000-000000000000", owning[n // STREAMS_EACH].pk)
        for n in range(jobs)
    ]
    SSEProgress.objects.bulk_create(rows, batch_size=500)
    keys = _log_in(owning)
    told = {
        "jobs": [(row.job_id, row.user_id) for row in rows],
        "sessions": [keys[n // STREAMS_EACH] for n in range(jobs)],
        "staff": _log_in(people("staff", staff, is_staff=True)),
    }
    sys.stdout.write(json.dumps(told) + "\n")


def _log_in(users: Sequence[User]) -> list[str]:
    """Make a session for each, as logging in does; give their keys."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session
    from django.utils.crypto import get_random_string

    sessions = []
    for user in users:
        content = {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
            HASH_SESSION_KEY: user.get_session_auth_hash(),
        }
        store = SessionStore()
        sessions.append(
            Session(
                session_key=get_random_string(32),
                session_data=store.encode(content),
                expire_date=store.get_expiry_date(),
            )
        )
    Session.objects.bulk_create(sessions, batch_size=500)
    return [session.session_key for session in sessions]


if __name__ == "__main__":
    fill(*map(int, sys.argv[1:]))
