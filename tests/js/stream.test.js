import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { locksWithout, openPage, settle } from "./support/browser.js";

const running = (jobId, seq, facts = {}) => ({ job_id: jobId, seq, status: "running", ...facts });

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_800_000_000_000 });
});

/** Let time pass in small steps, and promises settle in each. */
async function pass(milliseconds) {
  for (let left = milliseconds; left > 0; left -= 250) {
    mock.timers.tick(Math.min(250, left));
    await settle();
  }
}

/** A server that knows these jobs as running, and counts the snapshots it gave. */
function serverOf(...jobIds) {
  return (url) => {
    const jobId = jobIds.find((one) => url === `/core/sse-progress/${one}/`);
    return jobId ? { body: running(jobId, 1) } : { status: 404 };
  };
}

test("all bars of a page share one stream", async () => {
  const { addBar, FakeEventSource } = openPage({ answer: serverOf("a", "b", "c") });

  for (const jobId of ["a", "b", "c"]) addBar(jobId);
  await pass(250);

  const urls = FakeEventSource.opened.map((source) => source.url);
  assert.deepEqual(urls, [
    "/core/events/?channel=progress-a&channel=progress-b&channel=progress-c&lastEventId=progress-a%3A0%2Cprogress-b%3A0%2Cprogress-c%3A0",
  ]);
});

test("an event reaches the bar of its job and no other", async () => {
  const { addBar, FakeEventSource } = openPage({ answer: serverOf("a", "b") });
  const [a, b] = [addBar("a"), addBar("b")];
  await pass(250);

  FakeEventSource.latest.says("stream-open");
  FakeEventSource.latest.says("progress", running("b", 7, { current: 7, total: 10 }));

  assert.equal(a.state.current, 0);
  assert.equal(b.state.percent, 70);
});

test("a stream carries ten channels and the other bars are polled", async () => {
  const jobIds = Array.from({ length: 12 }, (_, n) => `job-${n}`);
  const { addBar, FakeEventSource, requests } = openPage({ answer: serverOf(...jobIds) });
  for (const jobId of jobIds) addBar(jobId);
  await pass(250);
  FakeEventSource.latest.says("stream-open");
  await settle();
  requests.length = 0;

  await pass(4000);

  assert.equal(FakeEventSource.latest.url.match(/channel=/g).length, 10);
  assert.deepEqual(requests.map(({ url }) => url).sort(), [
    "/core/sse-progress/job-10/",
    "/core/sse-progress/job-11/",
  ]);
});

test("the snapshot is read when the stream opens, and only news is asked for", async () => {
  const answer = (_url, { headers }) =>
    headers["If-None-Match"] === '"a-3"'
      ? { status: 304 }
      : { body: running("a", 3, { current: 3 }), etag: '"a-3"' };
  const { addBar, FakeEventSource, requests } = openPage({ answer });
  const bar = addBar("a");
  await pass(250);

  FakeEventSource.latest.says("stream-open");
  await settle();
  FakeEventSource.latest.says("stream-reset");
  await settle();

  assert.equal(bar.state.current, 3);
  assert.equal(requests.at(-1).headers["If-None-Match"], '"a-3"');
});

test("a stream that ends is opened again, with the snapshot", async () => {
  const { addBar, FakeEventSource, requests } = openPage({ answer: serverOf("a") });
  const bar = addBar("a");
  await pass(250);
  FakeEventSource.latest.says("stream-open");
  await settle();
  requests.length = 0;

  FakeEventSource.latest.breaks();
  await pass(3250);
  FakeEventSource.latest.says("stream-open");
  await settle();

  assert.equal(FakeEventSource.opened.length, 2);
  assert.equal(FakeEventSource.live.length, 1);
  assert.equal(bar.connection, "live");
  assert.equal(requests.length, 1);
});

test("a page that knows its place goes on from there, and needs no snapshot", async () => {
  const { addBar, FakeEventSource, requests } = openPage({ answer: serverOf("a") });
  const bar = addBar("a");
  const channels = ["progress-a"];
  bar.apply({ ...running("a", 1), stream: { channels, id: "progress-a:41", ticket: "T:1" } });
  await pass(250);

  const { url } = FakeEventSource.latest;
  assert.equal(url, "/core/events/?channel=progress-a&lastEventId=progress-a%3A41&ticket=T%3A1");
  FakeEventSource.latest.says("stream-open");
  await settle();
  assert.equal(requests.length, 0);

  FakeEventSource.latest.says("stream-reset", { channels });
  await settle();
  assert.equal(requests.length, 1);
});

test("a bar that is given the job's first state shows it, and asks for nothing", async () => {
  const { SSEProgressUI, FakeEventSource, requests } = openPage({ answer: serverOf("a") });
  const host = { replaceChildren: () => {} };
  const channels = ["progress-a"];
  const state = { ...running("a", 1), stream: { channels, id: "progress-a:0", ticket: "T:1" } };

  const ui = new SSEProgressUI(host, "a", { state });

  assert.equal(ui.state.seq, 1);
  await settle();
  const { url } = FakeEventSource.latest;
  assert.equal(url, "/core/events/?channel=progress-a&lastEventId=progress-a%3A0&ticket=T%3A1");
  FakeEventSource.latest.says("stream-open");
  await pass(1000);
  assert.deepEqual(requests, []);
});

test("a stream that ends goes on after the last event, with no ticket that has run out", async () => {
  const { addBar, FakeEventSource, requests } = openPage({ answer: serverOf("a") });
  const bar = addBar("a");
  const channels = ["progress-a"];
  bar.apply({ ...running("a", 1), stream: { channels, id: "progress-a:41", ticket: "T" } });
  await pass(250);
  FakeEventSource.latest.says("stream-open");
  for (let seconds = 0; seconds < 46; seconds += 2) {
    FakeEventSource.latest.says("progress", running("a", 2 + seconds), "progress-a:42");
    await pass(2000);
  }
  requests.length = 0;

  FakeEventSource.latest.breaks();
  await pass(3250);

  const { url } = FakeEventSource.latest;
  assert.equal(url, "/core/events/?channel=progress-a&lastEventId=progress-a%3A42");
  assert.deepEqual(requests, []);
});

test("a ticket that came with the stream opens it again", async () => {
  const { addBar, FakeEventSource } = openPage({ answer: serverOf("a", "b") });
  for (const jobId of ["a", "b"]) addBar(jobId);
  await pass(250);
  FakeEventSource.latest.says("stream-open");
  FakeEventSource.latest.says("stream-ticket", { ticket: "fresh" });

  FakeEventSource.latest.breaks();
  await pass(3250);

  const { url } = FakeEventSource.latest;
  assert.equal(
    url,
    "/core/events/?channel=progress-a&channel=progress-b&lastEventId=progress-a%3A0%2Cprogress-b%3A0&ticket=fresh",
  );
});

test("pages that lose a server come back spread over three seconds", async () => {
  const waits = [];
  for (let page = 0; page < 40; page++) {
    const { addBar, SSEProgressUI, FakeEventSource } = openPage({ answer: serverOf("a") });
    const bar = addBar("a");
    await pass(250);
    FakeEventSource.latest.says("stream-open");
    FakeEventSource.latest.breaks();
    const hub = SSEProgressUI.internals.StreamHub.of("/core/events/");
    waits.push(hub.retryAt - Date.now());
    bar.remove();
  }

  assert.ok(Math.min(...waits) >= 300 && Math.max(...waits) <= 3000, `${waits}`);
  assert.ok(Math.max(...waits) - Math.min(...waits) > 1500, `${waits}`);
});

test("a server that stops says when to come back", async () => {
  const { addBar, FakeEventSource } = openPage({ answer: serverOf("a") });
  addBar("a");
  await pass(250);
  FakeEventSource.latest.says("stream-open");
  FakeEventSource.latest.says("stream-close", { retry: 7000 });
  FakeEventSource.latest.breaks();

  await pass(6750);
  assert.equal(FakeEventSource.opened.length, 1);
  await pass(500);
  assert.equal(FakeEventSource.opened.length, 2);
});

test("while the server is away attempts become rarer, and no error is told", async () => {
  const { addBar, FakeEventSource } = openPage({ answer: () => ({ status: 502 }) });
  const bar = addBar("a");
  await pass(250);

  for (let minute = 0; minute < 240; minute++) {
    for (const source of FakeEventSource.live) source.breaks();
    await pass(250);
  }

  const attempts = FakeEventSource.opened.length;
  assert.ok(attempts >= 4 && attempts <= 14, `${attempts} attempts in a minute`);
  assert.equal(bar.connection, "waiting");
  assert.deepEqual(bar.told, []);
});

test("a stream without its first word is replaced by polling, every 1.5 s", async () => {
  const { addBar, requests } = openPage({ answer: serverOf("a") });
  const bar = addBar("a");
  await pass(5500);
  requests.length = 0;

  await pass(6000);

  assert.equal(bar.connection, "polling");
  assert.ok(requests.length >= 3 && requests.length <= 4, `${requests.length} snapshots in 6 s`);
});

test("a silent stream is opened again", async () => {
  const { addBar, FakeEventSource } = openPage({ answer: serverOf("a") });
  addBar("a");
  await pass(250);
  FakeEventSource.latest.says("stream-open");

  await pass(44_000);
  assert.equal(FakeEventSource.opened.length, 1);

  await pass(6_000);
  assert.equal(FakeEventSource.opened.length, 2);
});

test("a page that is left closes its stream, and opens it again when one comes back", async () => {
  const { addBar, FakeEventSource, window } = openPage({ answer: serverOf("a") });
  addBar("a");
  await pass(250);

  window.dispatchEvent(new Event("pagehide"));
  assert.equal(FakeEventSource.live.length, 0);

  window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  await pass(250);
  assert.equal(FakeEventSource.live.length, 1);
});

test("a hidden page gives its stream up after a while and polls slowly", async () => {
  const { addBar, document, FakeEventSource, requests } = openPage({ answer: serverOf("a") });
  addBar("a");
  await pass(250);
  FakeEventSource.latest.says("stream-open");

  document.hidden = true;
  document.dispatchEvent(new Event("visibilitychange"));
  await pass(31_000);
  requests.length = 0;
  await pass(41_000);

  assert.equal(FakeEventSource.live.length, 0);
  assert.equal(requests.length, 2);

  document.hidden = false;
  document.dispatchEvent(new Event("visibilitychange"));
  await pass(250);

  assert.equal(FakeEventSource.live.length, 1);
});

test("a tab beyond the browser's share of streams polls, and takes one that is given back", async () => {
  const answer = serverOf("a");
  const slots = ["sse-progress-0", "sse-progress-1", "sse-progress-2"];
  const { addBar, FakeEventSource } = openPage({ answer, locks: locksWithout(...slots) });
  const bar = addBar("a");
  await pass(1000);

  assert.equal(bar.connection, "polling");
  assert.equal(FakeEventSource.live.length, 0);

  // It asked while it opened its stream; from now on it asks before.
  await pass(30_000);
  assert.equal(bar.connection, "polling");
  assert.equal(FakeEventSource.opened.length, 1);

  navigator.locks = locksWithout(...slots.slice(1));
  await pass(15_000);

  assert.equal(FakeEventSource.live.length, 1);
  assert.equal(FakeEventSource.opened.length, 2);
});

test("a stream is asked for at once, and not only when the other tabs have answered", async () => {
  const locks = { request: () => new Promise(() => {}) };
  const { addBar, FakeEventSource } = openPage({ answer: serverOf("a"), locks });
  addBar("a");

  await settle();
  assert.equal(FakeEventSource.live.length, 1);
});

test("the stream is closed when its last bar is gone", async () => {
  const { addBar, FakeEventSource } = openPage({ answer: serverOf("a", "b") });
  const [a, b] = [addBar("a"), addBar("b")];
  await pass(250);

  a.remove();
  await pass(250);
  assert.equal(FakeEventSource.live.length, 1);

  b.remove();
  assert.equal(FakeEventSource.live.length, 0);
});

test("a session that has ended stops the bar", async () => {
  const { addBar, FakeEventSource } = openPage({ answer: () => ({ status: 401 }) });
  const bar = addBar("a");
  await pass(250);

  FakeEventSource.latest.says("stream-open");
  await settle();

  assert.equal(bar.connection, "idle");
  assert.equal(FakeEventSource.live.length, 0);
});
