import assert from "node:assert/strict";
import { test } from "node:test";
import { loadWithoutBrowser } from "./support/browser.js";

const {
  Estimator,
  JobStore,
  Words,
  factsOf,
  linksOf,
  roundEta,
  segmentsOf,
  statsOf,
  subtitleOf,
  viewOf,
} = loadWithoutBrowser().internals;

const words = Words.in("fr");
const around = { lost: false, lostFor: 0, pollEvery: null, rate: null, eta: null, resumes: null };

/** A job as the server tells it. */
function job(facts) {
  const store = new JobStore();
  store.apply(facts, null);
  return store.state;
}

/** The line under the bar, with plain spaces. */
const facts = (state, surroundings = {}) =>
  factsOf(state, words, { ...around, ...surroundings }).map((fact) =>
    fact.replace(/[\u00a0\u202f]/g, " "),
  );

const LINES = { unit: { one: "ligne", other: "lignes" }, total: 8000 };

test("a running job tells how far, how fast and how long", () => {
  const state = job({ status: "running", current: 3120, ...LINES });

  assert.deepEqual(facts(state, { rate: 118.4, eta: 41 }), [
    "3 120 sur 8 000 lignes",
    "118 lignes/s",
    "environ 45 s restantes",
  ]);
});

test("the time left is neither precise nor invented", () => {
  const state = job({ status: "running", current: 10, total: 20 });

  assert.equal(facts(state).at(-1), "Estimation du temps restant…");
  assert.equal(facts(state, { rate: 2, eta: 5 }).at(-1), "quelques secondes restantes");
  assert.deepEqual([7, 61, 700, 4000].map(roundEta), [10, 75, 720, 4200]);
});

test("a job that was put off counts down to its next try", () => {
  const state = job({ status: "pending", current: 12, total: 20, resumes_in_s: 42 });

  assert.deepEqual(facts(state, { resumes: 41.2 }), ["12 sur 20", "reprend dans 42 s"]);
  assert.deepEqual(facts(state, { resumes: 0 }), ["12 sur 20"]);
});

test("a job of unknown size tells what it has done", () => {
  const unit = { one: "message", other: "messages" };
  const state = job({ status: "running", current: 1287, total: null, percent: null, unit });

  assert.deepEqual(facts(state, { rate: 42 }), ["1 287 messages", "42 messages/s"]);
});

test("a worker that has gone silent is said instead of a time left", () => {
  const worker = { alive: false, seen_s: 14 };
  const state = job({ status: "running", current: 100, total: 200, worker });

  assert.equal(
    facts(state, { rate: 5, eta: 20 }).at(-1),
    words.text.stalled.replace("{t}", "14 s"),
  );
});

test("a lost link tells when the job was last seen", () => {
  const state = job({ status: "running", current: 100, total: 200 });

  assert.deepEqual(facts(state, { lost: true, lostFor: 9, rate: 5 }), [
    "100 sur 200",
    "vu il y a 9 s",
  ]);
});

test("a pending job tells what it waits for, else its place in the queue", () => {
  const queued = job({ status: "pending", queue_position: 3 });
  const waiting = job({ status: "pending", queue_position: 3, message: "Attend la clôture" });

  assert.equal(subtitleOf(queued, words), "Position 3 dans la file");
  assert.equal(subtitleOf(waiting, words), "Attend la clôture");
  assert.deepEqual(facts(queued), []);
});

test("a job in stages tells which one", () => {
  const stage = { index: 2, count: 3, label: "contrôle" };

  assert.equal(subtitleOf(job({ status: "running", stage }), words), "Étape 2 sur 3 – contrôle");
});

test("a completed job tells its result, its length and its books", () => {
  const counts = { done: 197, skipped: 0, failed: 3, in_doubt: 0 };
  const result = { summary: "197 factures envoyées" };
  const state = job({
    status: "completed",
    current: 200,
    total: 200,
    elapsed_s: 68,
    counts,
    result,
  });

  assert.equal(viewOf(state), "partial");
  assert.equal(subtitleOf(state, words), "197 factures envoyées");
  assert.deepEqual(facts(state), ["200 sur 200", "Durée 1 min 08 s"]);
  assert.deepEqual(statsOf(state), ["done", "failed"]);
});

test("an item in doubt keeps a completed job from being a plain success", () => {
  const state = job({ status: "completed", counts: { done: 9, in_doubt: 1 } });

  assert.equal(viewOf(state), "partial");
});

test("few failures among many items can still be seen in the bar", () => {
  const state = job({ status: "completed", counts: { done: 7999, failed: 1 } });

  const { done, failed } = segmentsOf(state);

  assert.ok(failed >= 0.01);
  assert.equal(done + failed, 1);
});

test("a failed job's bar is one colour, up to where it stopped", () => {
  const state = job({ status: "failed", percent: 55, counts: { done: 50, failed: 5 } });

  assert.deepEqual(segmentsOf(state), { done: 0.55, in_doubt: 0, failed: 0 });
});

test("the estimator says nothing before it has evidence", () => {
  const estimator = new Estimator();

  estimator.push(0, 0);
  estimator.push(20, 2000);

  assert.equal(estimator.eta(100), null);
});

test("the estimator finds a steady rate", () => {
  const estimator = new Estimator();

  for (let second = 0; second <= 5; second++) estimator.push(second * 10, second * 1000);

  assert.equal(Math.round(estimator.rate), 10);
  assert.equal(Math.round(estimator.eta(100)), 5);
});

test("the estimator forgets when a job starts again", () => {
  const estimator = new Estimator();
  for (let second = 0; second <= 5; second++) estimator.push(second * 10, second * 1000);

  estimator.push(0, 6000);

  assert.equal(estimator.ready, false);
});

test("a page shows the result's links, but none to itself", () => {
  const links = [
    { label: "See each e-mail", href: "/invoices/mailings/5/" },
    { label: "Report", href: "/reports/5.pdf", bytes: 2_400_000 },
  ];
  const state = job({ status: "completed", current: 2, total: 2, result: { links } });

  assert.deepEqual(linksOf(state, "https://heron.example/core/jobs/5/"), links);
  assert.deepEqual(linksOf(state, "https://heron.example/invoices/mailings/5/?page=2"), [links[1]]);
});
