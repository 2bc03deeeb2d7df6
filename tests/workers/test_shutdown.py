"""A worker that is told to stop hands its job back, and another goes on at once."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from heron.demo.process import Process
from tests.workers.cluster import Cluster, running_cluster
from tests.workers.waiting import PATIENCE, eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Run a cluster without a scheduler: nobody would notice a job that nobody rings for."""
    on_postgres = "HERON_TEST_DATABASE_URL" in os.environ
    server = request.getfixturevalue("postgres_server") if on_postgres else None
    with running_cluster(server.create_database() if server else "") as made:
        yield made


def steps_of(cluster: Cluster) -> list[int]:
    return [int(words[0]) for words in cluster.lines() if len(words) == 2]


def walkers(cluster: Cluster) -> set[str]:
    return {words[1] for words in cluster.lines() if len(words) == 2}


def test_a_stopped_workers_job_goes_on_elsewhere_at_once_and_nothing_is_lost_or_done_twice(
    cluster: Cluster,
) -> None:
    first = cluster.worker("first")
    job_id = cluster.run(f"print(walk.start_for(None, 30, 0.2, {str(cluster.diary)!r}).job_id)")
    eventually(lambda: len(steps_of(cluster)) >= 3)
    cluster.worker("second")

    first.terminate()
    eventually(lambda: len(walkers(cluster)) == 2)
    assert first.wait(PATIENCE)

    eventually(lambda: cluster.job(job_id)["status"] == "completed")
    job = cluster.job(job_id)
    assert first.status == 0
    assert steps_of(cluster) == list(range(30))
    assert (job["processed_items"], job["in_doubt_items"], job["failed_items"]) == (30, 0, 0)
    # Not one attempt more than the one that came to its end.
    assert job["attempts"] == 1


def test_jobs_that_a_stopping_worker_has_not_begun_are_done_by_another(cluster: Cluster) -> None:
    first: Process = cluster.worker("first", threads=1, arguments=["--queues", "slow"])
    cluster.run(f"for _ in range(3): walk.start_for(None, 4, 0.2, {str(cluster.diary)!r})")
    eventually(lambda: len(steps_of(cluster)) >= 1)
    cluster.worker("second")

    first.terminate()

    eventually(lambda: len(steps_of(cluster)) == 12)
    assert sorted(steps_of(cluster)) == sorted([*range(4)] * 3)


def test_a_queue_does_not_wait_for_the_long_jobs_of_another(cluster: Cluster) -> None:
    cluster.worker("only", threads=4)
    cluster.run(f"for _ in range(8): walk.start_for(None, 1000, 0.1, {str(cluster.diary)!r})")
    eventually(lambda: len(steps_of(cluster)) >= 1)

    cluster.run(f"hop.start_for(None, {str(cluster.diary)!r})")

    eventually(lambda: ["hop"] in cluster.lines())
