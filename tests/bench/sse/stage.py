"""Where the contenders run: a database with people and jobs, and a Valkey for each."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from heron.demo.surroundings import ROOT, python
from tests.bench.sse.crowd import Crowd, Returning, raise_file_limit
from tests.bench.sse.reader import Slowness
from tests.bench.sse.servers import CLIENT_CPU, Contender, Server, on_cpu
from tests.bench.sse.site import Site, build
from tests.support.valkey import Valkey, a_valkey

PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")


class Publisher:
    """The bench's side of a publishing process."""

    def __init__(self, contender: Contender, site: Site, env: Mapping[str, str]) -> None:
        self._jobs = site.jobs
        self._popen = subprocess.Popen(
            python("-m", "tests.bench.sse.publisher", contender.name),
            env={**env, "DJANGO_SETTINGS_MODULE": contender.settings},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._tell(site.jobs)

    async def publish(
        self, events: int, *, rate: float, jobs: int = 1, first: int = 0, write: bool = False
    ) -> dict[str, Any]:
        """Let it publish; give `seconds` and `seqs`, each job's newest number."""
        command = {"first": first, "jobs": jobs, "events": events, "rate": rate, "write": write}
        answer = await asyncio.to_thread(self._tell, command)
        ids = (job_id for job_id, _ in self._jobs[first : first + jobs])
        answer["seqs"] = dict(zip(ids, answer["seqs"], strict=True))
        if rate and answer["late_s"] > 1:
            sys.stderr.write(f"the publisher was {answer['late_s']:.1f} s late: a busy machine\n")
        return answer

    async def tickets(self, who: Sequence[tuple[str, str]]) -> list[str]:
        """Let it issue a ticket for each job and session, to the job's owner."""
        owners = dict(self._jobs)
        asked = [(owners[job_id], session, job_id) for job_id, session in who]
        answer = await asyncio.to_thread(self._tell, {"tickets": asked})
        return list(answer["tickets"])

    @property
    def pid(self) -> int:
        """Return the process's id."""
        return self._popen.pid

    def close(self) -> None:
        """End the process."""
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        self._popen.wait(10)
        assert self._popen.stdout is not None
        self._popen.stdout.close()

    def _tell(self, command: object) -> dict[str, Any]:
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._popen.stdin.write(json.dumps(command) + "\n")
        self._popen.stdin.flush()
        line = self._popen.stdout.readline()
        if not line:
            raise RuntimeError("the publisher has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


class Rig:
    """One contender's server and publisher, and readers for it."""

    def __init__(
        self, contender: Contender, site: Site, folder: Path, env: dict[str, str], valkey: Valkey
    ) -> None:
        env = {**env, "REDIS_URL": valkey.url}
        self.server = Server(contender, folder, env)
        #: Another of the same kind, for those who need two.
        self.second = Server(contender, folder, env)
        self.site = site
        self.valkey = valkey
        env["BENCH_PORT"] = str(self.server.port)
        self.publisher = Publisher(contender, site, env)

    @asynccontextmanager
    async def readers(
        self,
        who: Sequence[tuple[str, str]],
        *,
        slowness: Slowness | None = None,
        returning: Returning | None = None,
        by_ticket: bool = False,
        server: Server | None = None,
    ) -> AsyncIterator[Crowd]:
        """Hold a stream for each job and session; all must be let in."""
        server = server or self.server
        tickets = await self.publisher.tickets(who) if by_ticket else [""] * len(who)
        asks = [
            server.contender.ask(job_id, session, ticket)
            for (job_id, session), ticket in zip(who, tickets, strict=True)
        ]
        crowd = Crowd(server.address, asks, slowness=slowness, returning=returning)
        try:
            await crowd.open()
            if crowd.open_count < len(asks):
                raise RuntimeError(
                    f"{server.contender.name} let {crowd.open_count} of {len(asks)} in: "
                    f"{crowd.refusals}"
                )
            yield crowd
        finally:
            await crowd.close()


class Stage:
    """A database filled once, and the contenders around it."""

    def __init__(self, jobs: int, on_one: int, database_url: str = "") -> None:
        self._exits = ExitStack()
        var = self._exits.enter_context(tempfile.TemporaryDirectory(prefix="heron-bench-"))
        self._var = Path(var)
        inherited = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self._env = {
            **inherited,
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "heron.settings",
            "DEBUG": "0",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "HERON_VAR_DIR": var,
            "LOG_LEVEL": "ERROR",
            **({"DATABASE_URL": database_url} if database_url else {}),
        }
        self.site = build(self._env, jobs, on_one)

    def rig(self, contender: Contender) -> Rig:
        """Set a contender up; its server is not started yet."""
        folder = self._exits.enter_context(tempfile.TemporaryDirectory(prefix="heron-", dir="/tmp"))
        valkey = self._exits.enter_context(a_valkey())
        rig = Rig(contender, self.site, Path(folder), self._env, valkey)
        self._exits.callback(rig.publisher.close)
        self._exits.callback(rig.server.stop)
        self._exits.callback(rig.second.stop)
        return rig

    def close(self) -> None:
        """Stop everything."""
        self._exits.close()


@contextmanager
def staged(jobs: int, on_one: int, database_url: str = "") -> Iterator[Stage]:
    """Fill a database; stop all rigs in the end. Everything but servers runs on CLIENT_CPU."""
    raise_file_limit(jobs + 1000)
    with on_cpu(CLIENT_CPU):
        stage = Stage(jobs, on_one, database_url)
        try:
            yield stage
        finally:
            stage.close()
