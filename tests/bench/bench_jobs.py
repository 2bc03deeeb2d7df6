"""How soon a job starts, how many a worker does, and how soon one is taken up after a kill."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

from heron.demo.process import stop_all
from tests.bench.common import OURS, Samples, interleaved, line, report
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
RELAY_PARTS, RELAY_STEPS, STEP_SECONDS = 16, 12, 0.05
#: Waits with as few questions as possible: they would slow down those who work.
RELAY = """
job = relay.start_for({arguments})
while not SSEProgress.objects.filter(pk=job.pk, finished_at__isnull=False).exists():
    time.sleep(0.2)
job.refresh_from_db()
assert job.status == "completed", job.error
print((job.finished_at - job.created_at).total_seconds())
"""
KILLS = int(os.environ.get("BENCH_KILLS", "5"))


def main() -> None:
    """Print start.*, jobs.*, resume.* and fanout.*."""
    with staged() as (stage, cluster):
        start_idle(stage)
        plain_per_s(stage)
        noop_per_s(stage, "jobs.noop_per_s", "SQLite")
    with running_cluster() as cluster:
        resume_kill(cluster)
    with running_cluster() as cluster:
        fanout_speedup(cluster, "fanout.speedup", "SQLite")
    with postgres.running() as server, running_cluster(server.create_database()) as cluster:
        fanout_speedup(cluster, "fanout.speedup.pg", "PostgreSQL")
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


def fanout_speedup(cluster: Cluster, measure: str, database: str) -> None:
    """One job in parts, from the click to its end: four worker processes against one."""
    samples = interleaved(
        {OURS: lambda: _relay_seconds(cluster, 4), "alone": lambda: _relay_seconds(cluster, 1)}
    )
    together, alone = samples[OURS], samples["alone"]
    # Of two that ran after one another: this machine may have been another in the next round.
    speedups = [one / four for one, four in zip(alone, together, strict=True)]
    line(
        measure,
        round(median(speedups), 2),
        "x",
        n=len(samples[OURS]),
        note=f"{RELAY_PARTS * RELAY_STEPS} items of 50 ms in {RELAY_PARTS} parts, {database}; "
        f"1 process {median(alone):.2f} s, 4 processes {median(together):.2f} s",
    )


def _relay_seconds(cluster: Cluster, processes: int) -> float:
    names = [f"relay-{len(cluster.processes)}-{number}" for number in range(processes)]
    workers = [cluster.worker(name, threads=1, arguments=["--queues", "slow"]) for name in names]
    try:
        arguments = f"None, {RELAY_PARTS}, {RELAY_STEPS}, {STEP_SECONDS}, {str(cluster.diary)!r}"
        return float(cluster.run(RELAY.format(arguments=arguments)))
    finally:
        stop_all(workers, within_s=15)


def _next_line_of_another(cluster: Cluster, walkers: set[str]) -> float:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for walked in cluster.diary.read_text().splitlines():
            moment, _step, pid = walked.split()
            if pid not in walkers:
                return float(moment)
        time.sleep(0.01)
    raise TimeoutError("nobody has taken the job up")


if __name__ == "__main__":
    main()
