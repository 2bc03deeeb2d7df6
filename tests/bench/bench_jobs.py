"""How soon a job starts, how many a worker does, and how soon one is taken up after a kill."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.bench.common import OURS, Samples, interleaved, report
from tests.bench.stage import (
    CELERY,
    DJANGO_DRAMATIQ,
    DRAMATIQ_PLAIN,
    HERON_PLAIN,
    HERON_PROGRESS,
    Contender,
    Stage,
)
from tests.support import postgres
from tests.workers.cluster import Cluster, running_cluster

JOBS = 2000
PLAIN_JOBS = 10_000
IDLE_SAMPLES = 15
KILLS = int(os.environ.get("BENCH_KILLS", "5"))


def main() -> None:
    """Print start.*, jobs.* and resume.*."""
    with staged() as (stage, cluster):
        start_idle(stage)
        plain_per_s(stage)
        noop_per_s(stage, "jobs.noop_per_s", "SQLite")
    with running_cluster() as cluster:
        resume_kill(cluster)
    with postgres.running() as server, staged(server) as (stage, _):
        noop_per_s(stage, "jobs.noop_per_s.pg", "PostgreSQL")


@contextmanager
def staged(server: postgres.Postgres | None = None) -> Iterator[tuple[Stage, Cluster]]:
    """Run a Valkey, with SQLite or databases of the server."""
    url, admin_url = (server.create_database(), server.create_database()) if server else ("", "")
    with running_cluster(url) as cluster:
        stage = Stage(cluster, admin_url)
        stage.migrate_admin()
        yield stage, cluster


def start_idle(stage: Stage) -> None:
    """From enqueuing to the first line of the actor, on a worker that has been idle for seconds."""
    contenders: dict[str, Contender] = {
        OURS: HERON_PLAIN,
        "dramatiq": DRAMATIQ_PLAIN,
        "celery": CELERY,
    }
    with ExitStack() as running:
        senders = {}
        for name, contender in contenders.items():
            running.enter_context(stage.worker(contender))
            senders[name] = running.enter_context(stage.sender(contender))
            senders[name].send("mark", f"warm-{name}")
            senders[name].wait_for(f"warm-{name}")
        samples: Samples = {name: [] for name in contenders}
        for number in range(IDLE_SAMPLES):
            for name, sender in senders.items():
                # Another phase of the others' polling each time; each is idle for three turns.
                time.sleep(random.uniform(0.8, 1.2))
                sent = float(sender.send("mark", f"{name}-{number}"))
                samples[name].append((sender.wait_for(f"{name}-{number}") - sent) * 1000)
    report("start.idle_ms", "ms", samples, note="enqueue to first line, worker idle for 3 s")


def plain_per_s(stage: Stage) -> None:
    """No-op actors without progress, queued before the worker starts."""
    samples = interleaved(
        {
            OURS: lambda: stage.drained_per_second(HERON_PLAIN, PLAIN_JOBS),
            "dramatiq": lambda: stage.drained_per_second(DRAMATIQ_PLAIN, PLAIN_JOBS),
        }
    )
    report("jobs.plain_per_s", "1/s", samples, digits=0, note="1 process, 8 threads")


def noop_per_s(stage: Stage, measure: str, database: str) -> None:
    """No-op actors with a row each, queued before the worker starts."""
    samples = interleaved(
        {
            OURS: lambda: stage.drained_per_second(HERON_PROGRESS, JOBS),
            "django-dramatiq": lambda: stage.drained_per_second(DJANGO_DRAMATIQ, JOBS),
        }
    )
    report(measure, "1/s", samples, digits=0, note=f"1 process, 8 threads, {database}")


def resume_kill(cluster: Cluster) -> None:
    """From SIGKILL of the worker to the next item, done by another worker that is up already."""
    cluster.scheduler()
    worker = cluster.worker("worker-0")
    waits = []
    for number in range(KILLS):
        job_id = cluster.run(
            f"print(walk.start_for(None, 2000, 0.05, {str(cluster.diary)!r}).job_id)"
        )
        while not len(cluster.lines()):
            time.sleep(0.01)
        other = cluster.worker(f"worker-{number + 1}")
        # At any point of an item, of the pulse and of the scheduler's rounds.
        time.sleep(random.uniform(1, 2))
        walkers = {words[1] for words in cluster.lines()}
        killed_at = time.time()
        cluster.kill(worker)
        waits.append(_next_line_of_another(cluster, walkers) - killed_at)
        cluster.run(
            f"from apps.core.verbs import cancel; cancel(SSEProgress.objects.get(pk={job_id!r}))"
        )
        while cluster.job(job_id)["status"] != "cancelled":
            time.sleep(0.05)
        cluster.diary.write_text("")
        worker = other
    report(
        "resume.kill_s",
        "s",
        {OURS: waits},
        note=f"items of 50 ms; worst of {KILLS}: {max(waits):.2f}",
    )


def _next_line_of_another(cluster: Cluster, walkers: set[str]) -> float:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for line in cluster.diary.read_text().splitlines():
            moment, _step, pid = line.split()
            if pid not in walkers:
                return float(moment)
        time.sleep(0.01)
    raise TimeoutError("nobody has taken the job up")


if __name__ == "__main__":
    main()
