"""Threads and database connections of a thousand streams, and how long ten thousand last."""

from __future__ import annotations

import asyncio

import psycopg

from tests.bench.common import line
from tests.bench.sse.servers import HERON
from tests.bench.sse.size import HELD, HELD_S, THOUSAND
from tests.bench.sse.stage import staged
from tests.support import postgres

#: A held stream is proven alive by an event for each, at so many a second.
PROOF_RATE = 1000.0
PROOF_S = 30.0


async def resources() -> None:
    """Print sse.threads and sse.db_connections."""
    with postgres.running() as server:
        url = server.create_database()
        with staged(jobs=THOUSAND, on_one=0, database_url=url) as stage:
            rig = stage.rig(HERON)
            rig.server.start()
            others = connections(url)
            async with rig.readers(rig.site.readers_of_own(THOUSAND)):
                await asyncio.sleep(1)
                threads = rig.server.process.num_threads()
                used = connections(url) - others
    note = f"web process with {THOUSAND} streams on PostgreSQL"
    line("sse.threads", threads, "threads", note=note)
    line("sse.db_connections", used, "connections", note=f"{note}, beyond the bench's own")


def connections(url: str) -> int:
    """Count the connections to a database, but for the one that asks."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert row is not None
    return int(row[0])


async def held() -> None:
    """Print sse.held."""
    with staged(jobs=HELD, on_one=0) as stage:
        rig = stage.rig(HERON)
        rig.server.start()
        async with rig.readers(rig.site.readers_of_own(HELD)) as crowd:
            await asyncio.sleep(HELD_S)
            still = crowd.open_count
            told = await rig.publisher.publish(HELD, rate=PROOF_RATE, jobs=HELD)
            await crowd.until(lambda: crowd.newest_count(told["seqs"]) == HELD, within_s=PROOF_S)
            reached = crowd.newest_count(told["seqs"])
            line(
                "sse.held",
                still,
                "streams",
                note=f"of {HELD} for {HELD_S:.0f} s in one process, {crowd.drops} dropped; "
                f"an event for each then reached {reached}; "
                f"{rig.server.resident_kb / 1024:.0f} MB",
            )
