"""One job over real worker processes, some of which are killed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.workers.cluster import Cluster, running_cluster
from tests.workers.waiting import eventually

pytestmark = pytest.mark.integration

SLOW = ("--queues", "slow")

CANCEL_ONE_THAT_TWO_WORK_ON = """
from apps.core.verbs import cancel

job = relay.start_for(None, 8, 10, 0.05, diary)
while len({line.split()[2] for line in open(diary)}) < 2:
    time.sleep(0.01)
cancel(job)
print(job.job_id)
"""


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    on_postgres = "HERON_TEST_DATABASE_URL" in os.environ
    url = request.getfixturevalue("postgres_url") if on_postgres else ""
    with running_cluster(url) as made:
        yield made


def start(cluster: Cluster, *, parts: int, steps: int, seconds: float) -> str:
    arguments = f"None, {parts}, {steps}, {seconds}, {str(cluster.diary)!r}"
    return cluster.run(f"print(relay.start_for({arguments}).job_id)")


def took_steps(cluster: Cluster) -> Counter[str]:
    return Counter(words[0] for words in cluster.lines())


def walkers(cluster: Cluster) -> set[str]:
    return {words[1] for words in cluster.lines()}


def test_two_workers_do_one_job_together(cluster: Cluster) -> None:
    for name in ("one", "two"):
        cluster.worker(name, arguments=SLOW)

    job_id = start(cluster, parts=8, steps=5, seconds=0.02)
    eventually(lambda: cluster.job(job_id)["status"] == "completed")

    row = cluster.job(job_id)
    assert (row["total_items"], row["processed_items"], row["failed_items"]) == (40, 40, 0)
    assert took_steps(cluster) == Counter(map(str, range(40)))
    assert len(walkers(cluster)) == 2


def test_the_parts_of_a_killed_worker_are_done_by_the_other(cluster: Cluster) -> None:
    cluster.scheduler()
    one = cluster.worker("one", arguments=SLOW)
    cluster.worker("two", arguments=SLOW)
    job_id = start(cluster, parts=8, steps=10, seconds=0.05)
    eventually(lambda: len(walkers(cluster)) == 2)

    cluster.kill(one)
    eventually(lambda: cluster.job(job_id)["status"] == "completed")

    row = cluster.job(job_id)
    assert (row["total_items"], row["processed_items"], row["failed_items"]) == (80, 80, 0)
    steps = took_steps(cluster)
    # What the dead worker's two threads had under way is in doubt, done or not, and not repeated.
    assert set(steps.values()) == {1}
    assert 80 - row["in_doubt_items"] <= len(steps)
    assert row["in_doubt_items"] <= 2


def test_a_cancel_and_a_retry_reach_all_workers(cluster: Cluster) -> None:
    for name in ("one", "two"):
        cluster.worker(name, arguments=SLOW)
    job_id = cluster.run(f"diary = {str(cluster.diary)!r}\n{CANCEL_ONE_THAT_TWO_WORK_ON}")
    eventually(lambda: cluster.job(job_id)["status"] == "cancelled")

    row = cluster.job(job_id)
    assert row["processed_items"] == len(cluster.lines()) < 80
    cluster.run(f"from apps.core.verbs import retry; retry(SSEProgress.objects.get(pk={job_id!r}))")
    eventually(lambda: cluster.job(job_id)["status"] == "completed")
    assert cluster.job(job_id)["processed_items"] == 80
    assert took_steps(cluster) == Counter(map(str, range(80)))
