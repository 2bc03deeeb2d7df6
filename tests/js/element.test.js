import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { openPage, settle } from "./support/browser.js";

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
});

const names = (bar) => bar.told.map(([name]) => name);

test("the file loads without a browser and twice in a page", () => {
  const { SSEProgressUI } = openPage();

  assert.equal(typeof SSEProgressUI, "function");
  assert.equal(SSEProgressUI.config.prefix, "/core/");
});

test("a run is told once from start to end", async () => {
  const snapshot = {
    seq: 10,
    status: "completed",
    current: 2,
    total: 2,
    result: { summary: "Fait" },
  };
  const { addBar } = openPage({ answer: () => ({ body: snapshot }) });
  const bar = addBar("a");

  bar.receive({ seq: 2, status: "running", current: 0, total: 2 }, "start");
  bar.receive({ seq: 3, status: "running", current: 1, total: 2 }, "progress");
  bar.receive({ seq: 9, status: "completed", current: 2, total: 2 }, "complete");
  bar.receive({ seq: 10, status: "completed", current: 2, total: 2 }, "complete");
  await settle();

  assert.deepEqual(names(bar), ["start", "progress", "complete"]);
  assert.equal(bar.told.at(-1)[1].result.summary, "Fait");
});

test("a job that had ended before the page opened is told too", async () => {
  const { addBar } = openPage();
  const bar = addBar("a");

  bar.apply({ seq: 9, status: "completed", current: 2, total: 2 });
  await settle();

  assert.deepEqual(names(bar), ["complete"]);
});

test("the end is told even if its last snapshot cannot be read", async () => {
  const { addBar } = openPage({ answer: () => ({ status: 502 }) });
  const bar = addBar("a");

  bar.receive({ seq: 9, status: "failed", error: { message: "Disque plein" } }, "error");
  await settle();

  assert.deepEqual(names(bar), ["error"]);
  assert.equal(bar.told[0][1].error, "Disque plein");
});

test("a cancelled job has neither completed nor failed", async () => {
  const { addBar } = openPage({ answer: () => ({ status: 502 }) });
  const bar = addBar("a");

  bar.receive({ seq: 9, status: "cancelled" }, "error");
  await settle();

  assert.deepEqual(names(bar), ["cancel"]);
});

test("an expired job has failed", async () => {
  const { addBar } = openPage({ answer: () => ({ status: 502 }) });
  const bar = addBar("a");

  bar.receive({ seq: 9, status: "expired", error: "Plus aucun signe de vie" }, "error");
  await settle();

  assert.equal(bar.told[0][0], "error");
  assert.equal(bar.told[0][1].error, "Plus aucun signe de vie");
});

test("a retried job tells its second end", async () => {
  const { addBar } = openPage();
  const bar = addBar("a");

  for (const [seq, status] of Object.entries(["failed", "pending", "running", "completed"])) {
    bar.apply({ seq: Number(seq) + 1, status });
    await settle();
  }

  assert.deepEqual(names(bar), ["error", "start", "progress", "complete"]);
});

test("a warning is told when their number grows, whatever the event", () => {
  const { addBar } = openPage();
  const bar = addBar("a");
  const items = [{ ref: "F-7", message: "Adresse refusée" }];

  bar.receive({ seq: 2, status: "running", warnings: { total: 1, items } }, "progress");
  bar.receive({ seq: 3, status: "running", warnings: { total: 1, items } }, "warning");

  const warnings = bar.told.filter(([name]) => name === "warning");
  assert.equal(warnings.length, 1);
  assert.deepEqual(warnings[0][1].warning, items[0]);
});

test("debug writes the guide's lines", async (t) => {
  const log = t.mock.method(console, "log", () => {});
  const { addBar, FakeEventSource } = openPage({ answer: () => ({ status: 404 }) });
  addBar("abc-123", { debug: "" });
  mock.timers.tick(50);
  await settle();

  FakeEventSource.latest.says("stream-open");
  FakeEventSource.latest.says("start", { total: 500, status: "started" });
  FakeEventSource.latest.says("progress", { current: 25, total: 500 });
  FakeEventSource.latest.says("warning", { message: "Erreur sur facture 7" });

  const lines = log.mock.calls;
  assert.deepEqual(
    lines.map(({ arguments: [line] }) => line),
    [
      "[SSE] Connexion à /core/events/?channel=progress-abc-123",
      "[SSE] ✅ Connecté",
      "[SSE] 🚀 Start:",
      "[SSE] 📊 Progress: 5%",
      "[SSE] ⚠️ Warning:",
    ],
  );
  assert.equal(lines[3].arguments[1].current, 25);
});

test("addresses can be given by attribute and by config", async () => {
  const { addBar, SSEProgressUI, requests } = openPage();
  SSEProgressUI.config.prefix = "/heron/core/";

  await addBar("a/b").resync();
  await addBar("c", { "status-url": "/jobs/c.json" }).resync();

  assert.deepEqual(
    requests.map(({ url }) => url),
    ["/heron/core/sse-progress/a%2Fb/", "/jobs/c.json"],
  );
});

test("a static bar asks the server nothing", async () => {
  const { addBar, FakeEventSource, requests } = openPage();

  await addBar("a", { static: "" }).resync();

  assert.equal(requests.length, 0);
  assert.equal(FakeEventSource.opened.length, 0);
});
