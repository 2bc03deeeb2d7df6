"""The load client counts rightly: a bench that miscounts is worse than none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from django_eventstream.utils import sse_encode_event
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.sse import states
from tests.bench.sse.crowd import MOST_STREAMS, Crowd, Returning
from tests.bench.sse.reader import Ask, Slowness
from tests.bench.sse.servers import HERON
from tests.bench.sse.stage import staged
from tests.bench.sse.tally import Tally, percentile
from tests.bench.sse.wire import STATE, Answer
from tests.bench.sse_load import parser, run

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
OPEN = b": hello\n\nevent: stream-open\ndata:\n\n"
Serve = Callable[[bytes, asyncio.StreamWriter], Coroutine[Any, Any, None]]


def event(seq: int, *, job_id: str = "j", sent: int = 0) -> bytes:
    data = json.dumps({"job_id": job_id, "seq": seq, "message": f"sent={sent}" if sent else ""})
    return f"event: progress\nid: c:{seq}\ndata: {data}\n\n".encode()


def tally_of(*seqs: int) -> Tally:
    tally = Tally()
    tally.saw(STATE.findall(b"".join(map(event, seqs))), 0)
    return tally


@given(
    bodies=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 400), max_size=12),
)
def test_however_the_bytes_are_cut_the_events_are_the_same(
    bodies: list[bytes], cuts: list[int]
) -> None:
    coded = b"".join(b"%x\r\n%b\r\n" % (len(body), body) for body in bodies)
    sent = HEAD + b"transfer-encoding: chunked\r\n\r\n" + coded + b"0\r\n\r\n"
    edges = [0, *sorted(cut for cut in cuts if cut < len(sent)), len(sent)]
    answer = Answer()

    events = [answer.feed(sent[a:b]) for a, b in pairwise(edges)]

    assert answer.status == 200
    assert answer.ended
    assert b"".join(events) + answer.rest == b"".join(bodies)
    assert all(some.endswith(b"\n\n") for some in events if some)
    assert b"\n\n" not in answer.rest


def test_an_answer_without_chunks_is_read_too() -> None:
    answer = Answer()

    assert answer.feed(HEAD + b"\r\n" + event(1) + b"event: pro") == event(1)
    assert answer.rest == b"event: pro"


def test_the_products_events_are_understood() -> None:
    row = states.job("some-job", 1)
    states.advance(row)
    data = json.dumps(states.payload(row))
    frame = sse_encode_event("progress", data, event_id="progress-some-job:7").encode()

    ((job_id, seq, sent),) = STATE.findall(frame)

    assert (job_id, int(seq)) == (b"some-job", 1)
    assert row.message == f"sent={int(sent)}"
    assert 500 < len(data) < 1000


def test_gaps_doubles_and_late_comers_are_told_apart() -> None:
    (track,) = tally_of(1, 2, 2, 5, 4, 8).tracks.values()

    assert track.last == 8
    assert track.missing == {3, 6, 7}
    assert track.duplicates == 1
    assert track.out_of_order == 1
    assert track.received == 6


def test_counting_begins_with_the_first_number() -> None:
    (track,) = tally_of(40, 41).tracks.values()

    assert track.missing == set()


def test_the_latency_is_from_the_senders_clock_to_ours() -> None:
    tally = Tally()

    tally.saw(STATE.findall(event(1, sent=1_000_000_000)), 1_250_000_000)

    assert list(tally.latencies) == [0.25]


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile(range(100), 0.99) == 99


def test_only_this_machine_may_be_loaded() -> None:
    with pytest.raises(ValueError, match="loopback"):
        Crowd(("192.0.2.1", 80), [])


def test_there_is_an_end_to_streams_and_seconds() -> None:
    with pytest.raises(ValueError, match="at most"):
        Crowd(("127.0.0.1", 80), [Ask(path="/")] * (MOST_STREAMS + 1))
    with pytest.raises(SystemExit):
        parser().parse_args(["http://127.0.0.1/", "--seconds", "86400"])


@asynccontextmanager
async def served(serve: Serve) -> AsyncIterator[tuple[str, int]]:
    """Answer each connection with what `serve` writes after reading the request."""

    async def handle(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        request = await source.readuntil(b"\r\n\r\n")
        await serve(request, sink)
        sink.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()


def test_what_each_stream_brings_is_counted() -> None:
    async def serve(_request: bytes, sink: asyncio.StreamWriter) -> None:
        sink.write(HEAD + b"\r\n" + OPEN + b"".join(map(event, (1, 2, 4, 4))))
        await asyncio.sleep(5)

    async def scenario() -> None:
        async with served(serve) as address:
            crowd = Crowd(address, [Ask(path="/", job_id="j")] * 3)
            await crowd.open()

            assert await crowd.until(lambda: crowd.totals.received == 12, within_s=5)

            assert crowd.open_count == crowd.newest_count({"j": 4}) == 3
            assert crowd.newest_count({"j": 5}) == 0
            assert (crowd.totals.missing, crowd.totals.duplicates) == (3, 3)
            await crowd.close()
            assert crowd.drops == 0

    run(scenario())


def test_a_refused_stream_is_not_open() -> None:
    async def serve(_request: bytes, sink: asyncio.StreamWriter) -> None:
        sink.write(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\nno")

    async def scenario() -> None:
        async with served(serve) as address:
            crowd = Crowd(address, [Ask(path="/")] * 2)

            await crowd.open()

            assert crowd.open_count == 0
            assert crowd.refusals == {429: 2}
            await crowd.close()

    run(scenario())


def test_a_dropped_reader_comes_back_from_where_it_was_and_reads_the_snapshot() -> None:
    requests: list[bytes] = []

    async def serve(request: bytes, sink: asyncio.StreamWriter) -> None:
        requests.append(request)
        if request.startswith(b"GET /snapshot"):
            sink.write(b'HTTP/1.1 200 OK\r\n\r\n{"job_id": "j", "seq": 9}')
            return
        sink.write(HEAD + b"\r\n" + OPEN + event(len(requests)))
        await asyncio.sleep(0.05 if len(requests) == 1 else 5)

    async def scenario() -> None:
        async with served(serve) as address:
            ask = Ask(path="/stream", job_id="j", cookie="a=b", snapshot_path="/snapshot")
            crowd = Crowd(address, [ask], returning=Returning(within_s=0.01, snapshot_always=True))
            await crowd.open()

            assert await crowd.until(lambda: crowd.newest_count({"j": 9}) == 1, within_s=5)

            assert crowd.drops == 1
            assert crowd.open_count == 1
            await crowd.close()

    run(scenario())
    first, second, snapshot = requests
    assert b"last-event-id" not in first.lower()
    assert b"Last-Event-ID: c:1\r\n" in second
    assert snapshot.startswith(b"GET /snapshot HTTP/1.1\r\n")
    assert b"Cookie: a=b\r\n" in snapshot


def test_a_slow_reader_takes_its_time() -> None:
    async def serve(_request: bytes, sink: asyncio.StreamWriter) -> None:
        sink.write(HEAD + b"\r\n" + OPEN + b"".join(map(event, range(1, 2000))))
        await asyncio.sleep(5)

    async def scenario() -> None:
        async with served(serve) as address:
            crowd = Crowd(address, [Ask(path="/")], slowness=Slowness(pause_s=0.2))
            await crowd.open()

            await asyncio.sleep(0.5)

            assert 0 < crowd.totals.received < 1999
            await crowd.close()

    run(scenario())


@pytest.mark.integration
def test_fifty_streams_of_the_real_app_bring_the_newest_state_of_each_job() -> None:
    async def scenario() -> None:
        with staged(jobs=50, on_one=0) as stage:
            rig = stage.rig(HERON)
            rig.server.start()
            async with rig.readers(rig.site.readers_of_own(50)) as crowd:
                told = await rig.publisher.publish(200, rate=400, jobs=50)

                assert await crowd.until(lambda: crowd.newest_count(told["seqs"]) == 50)

                totals = crowd.totals
                # On a busy machine a reader may be given only the newest of several states.
                assert totals.received + totals.missing == 200
                assert (totals.duplicates, totals.out_of_order) == (0, 0)
                assert crowd.drops == 0
                assert crowd.latency_ms(0.5) > 0
                assert rig.server.cpu_s > 0

    run(scenario())
