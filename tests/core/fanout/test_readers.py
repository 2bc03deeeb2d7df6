"""People see the whole and none of its parts; its row is written seldom enough."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.core import fanout, job_list
from apps.core.errors import ItemFailed, ItemInDoubt
from apps.core.models import JobItem, SSEProgress
from apps.core.pulse import pulse
from apps.core.snapshot import snapshot
from apps.core.statuses import Status
from tests.core.fanout.bench import bench, fresh, parts_of, shared_out, work, work_all

pytestmark = pytest.mark.django_db(transaction=True)

Events = list[tuple[str, str, dict[str, Any]]]


def test_parts_are_in_no_list(alice: User, client: Client) -> None:
    bench.broken = {2: ItemFailed("no")}
    job = shared_out(alice)
    work(parts_of(job)[0])
    client.force_login(alice)

    assert list(job_list.under_way(alice)) == [job]
    assert list(job_list.history(alice)) == [job]
    assert (job_list.overview(alice).running, job_list.overview(alice).waiting) == (1, 0)
    # Found by what is in a part's ledger.
    assert list(job_list.history(alice, search="No 2")) == [job]
    listed = client.get(reverse("core:sse_progress_list")).json()["jobs"]
    assert [each["job_id"] for each in listed] == [job.job_id]


def test_the_ledger_of_the_whole_is_that_of_its_parts(alice: User, client: Client) -> None:
    bench.broken = {2: ItemFailed("no"), 7: ItemInDoubt("who knows")}
    job = work_all(shared_out(alice))
    client.force_login(alice)

    assert [line.ref for line in job_list.ledger(job)] == ["No 2", "No 7"]
    assert [tab.count for tab in job_list.ledger_tabs(job)] == [2, 1, 1]
    answer = client.get(reverse("core:sse_progress_items", args=[job.job_id]))
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "No 2" in text
    assert "No 7" in text
    assert b"No 7" in client.get(reverse("core:job", args=[job.job_id])).content


def test_a_person_decides_on_the_page_of_the_whole(alice: User, client: Client) -> None:
    bench.broken = {7: ItemInDoubt("who knows")}
    job = work_all(shared_out(alice))
    client.force_login(alice)
    url = reverse("core:sse_progress_decide", args=[job.job_id])

    answer = client.post(
        url,
        {"decision": "done", "key": JobItem.objects.get().pk},
        headers={"Accept": "application/json"},
    )

    assert answer.json()["counts"]["done"] == 12


def test_another_reader_sees_neither_the_whole_nor_a_part(
    alice: User, bob: User, client: Client
) -> None:
    job = shared_out(alice)
    client.force_login(bob)

    for each in (job, parts_of(job)[0]):
        url = reverse("core:sse_progress_detail", args=[each.job_id])
        assert client.get(url).status_code == 404


def test_the_events_of_parts_are_in_nobodys_list(alice: User, events: Events) -> None:
    job = work_all(shared_out(alice))

    listed = {data["job_id"] for channel, _, data in events if channel == f"jobs-{alice.pk}"}
    assert listed == {job.job_id}
    mine = [data for channel, _, data in events if channel == f"progress-{job.job_id}"]
    assert [data["seq"] for data in mine] == sorted(data["seq"] for data in mine)
    assert (mine[-1]["kind"], mine[-1]["current"]) == ("complete", 12)


def test_the_whole_is_alive_while_one_of_its_parts_is(alice: User) -> None:
    job = shared_out(alice)
    assert snapshot(job)["worker"] is None
    first, second, _ = parts_of(job)
    SSEProgress.objects.filter(pk=first.pk).update(
        status=Status.RUNNING, lease_until=timezone.now() - timedelta(seconds=9)
    )
    assert snapshot(fresh(job))["worker"]["alive"] is False

    SSEProgress.objects.filter(pk=second.pk).update(
        status=Status.RUNNING, lease_until=timezone.now() + timedelta(seconds=9)
    )

    assert snapshot(fresh(job))["worker"]["alive"] is True


def test_many_writes_of_parts_are_one_write_of_the_whole(alice: User, settings: Any) -> None:
    job = shared_out(alice)
    settings.PROGRESS_FLUSH_SECONDS = 3600
    part = parts_of(job)[0]
    SSEProgress.objects.filter(pk=job.pk).update(updated_at=timezone.now() - timedelta(hours=2))

    seqs = []
    for _ in range(5):
        fanout.summing.part_changed(part)
        # Another process knows nothing of this one's clock, but of the row.
        fanout.Summing().part_changed(part)
        seqs.append(fresh(job).seq)

    assert set(seqs) == {job.seq + 1}


def test_a_sum_that_was_held_back_is_written_later(alice: User, settings: Any) -> None:
    job = shared_out(alice)
    part = parts_of(job)[0]
    SSEProgress.objects.filter(pk=part.pk).update(processed_items=3)
    settings.PROGRESS_FLUSH_SECONDS = 3600
    fanout.summing.part_changed(fresh(part))
    assert fresh(job).processed_items == 0
    assert fanout.summing.beat()

    settings.PROGRESS_FLUSH_SECONDS = 0

    assert not fanout.summing.beat()
    assert fresh(job).processed_items == 3


def test_the_pulse_sums_up_while_the_items_go_on(
    alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = shared_out(alice)
    settings.PROGRESS_PULSE = True
    joined: list[object] = []
    monkeypatch.setattr(pulse, "join", joined.append)

    fanout.summing.part_changed(parts_of(job)[0])

    assert (joined, fresh(job).seq) == ([fanout.summing], job.seq)
    assert not fanout.summing.beat()
    assert fresh(job).seq == job.seq + 1


def test_a_clock_that_was_put_back_does_not_stop_the_sums(alice: User, settings: Any) -> None:
    job = shared_out(alice)
    settings.PROGRESS_FLUSH_SECONDS = 0.25
    SSEProgress.objects.filter(pk=job.pk).update(updated_at=timezone.now() + timedelta(hours=1))

    fanout.summing.part_changed(parts_of(job)[0])

    assert fresh(job).seq > job.seq
