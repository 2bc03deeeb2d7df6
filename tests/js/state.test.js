import assert from "node:assert/strict";
import { test } from "node:test";
import { loadWithoutBrowser } from "./support/browser.js";

const { JobStore, normalize, viewOf, failureOf } = loadWithoutBrowser().internals;

const running = (facts) => ({ status: "running", ...facts });

/** A store that has taken these snapshots in. */
function storeWith(...snapshots) {
  const store = new JobStore();
  for (const snapshot of snapshots) store.apply(snapshot, null);
  return store;
}

test("the status in the payload wins over the kind of its event", () => {
  assert.equal(normalize({ status: "cancelled" }, "error").status, "cancelled");
});

test("an event without a status takes that of its kind", () => {
  assert.equal(normalize({}, "start").status, "running");
  assert.equal(normalize({}, "progress").status, "running");
  assert.equal(normalize({}, "complete").status, "completed");
  assert.equal(normalize({}, "error").status, "failed");
  assert.equal(normalize({ status: "started", total: 500 }, "start").status, "running");
});

test("a key that is missing keeps its value and null clears it", () => {
  const store = storeWith(running({ seq: 1, title: "Import", eta_s: 40 }));

  store.apply(running({ seq: 2, eta_s: null }), "progress");

  assert.equal(store.state.title, "Import");
  assert.equal(store.state.eta_s, null);
});

test("the guide's plain events make a whole run", () => {
  const store = new JobStore();

  store.apply({ total: 4, current: 0, status: "started", message: "Démarrage" }, "start");
  store.apply({ current: 1, total: 4, message: "Envoi 1/4" }, "progress");
  store.apply({ message: "Erreur sur facture 7" }, "warning");
  store.apply({ current: 2, total: 4, success_count: 1, failed_items: 1 }, "progress");

  assert.equal(store.state.percent, 50);
  assert.equal(store.state.message, "Envoi 1/4");
  assert.deepEqual(store.state.warnings.items, [{ message: "Erreur sur facture 7" }]);
  assert.equal(store.state.counts.failed, 1);

  store.apply({ total: 4, current: 4, message: "3 envoyées" }, "complete");

  assert.equal(store.state.status, "completed");
  assert.equal(store.state.percent, 100);
  assert.equal(viewOf(store.state), "partial");
});

test("a plain error is a failure with the server's words", () => {
  const store = storeWith(running({ current: 2, total: 4 }));

  store.apply({ message: "Erreur critique : disque plein" }, "error");

  assert.equal(store.state.status, "failed");
  assert.equal(store.state.percent, 50);
  assert.equal(failureOf(store.state).error, "Erreur critique : disque plein");
});

test("a failure is told as text, with its facts beside it", () => {
  const error = { code: "smtp", message: "Serveur injoignable", hint: "Réessayez.", ref: "H-1" };
  const store = storeWith({ status: "failed", error });

  const failure = failureOf(store.state);

  assert.equal(`Erreur: ${failure.error}`, "Erreur: Serveur injoignable");
  assert.deepEqual(failure.details, error);
});

test("an older or repeated event is dropped", () => {
  const store = storeWith(running({ seq: 5, current: 50 }));

  assert.equal(store.apply(running({ seq: 4, current: 40 }), "progress"), null);
  assert.equal(store.apply(running({ seq: 5, current: 49 }), "progress"), null);
  assert.equal(store.state.current, 50);
});

test("a snapshot of the same state brings its reader's actions, and is no news", () => {
  const store = storeWith(running({ seq: 5 }));
  const actions = [{ name: "cancel", label: "Annuler", url: "/cancel/" }];

  const change = store.apply(running({ seq: 5, actions }), null);

  assert.deepEqual(store.state.actions, actions);
  assert.equal(change.news, false);
});

test("an older snapshot that arrives late is dropped", () => {
  const store = storeWith(running({ seq: 5, current: 50 }));

  assert.equal(store.apply(running({ seq: 4, current: 40 }), null), null);
});

test("without numbers the end is final", () => {
  const store = storeWith({ status: "completed", total: 3, current: 3 });

  assert.equal(store.apply({ current: 2, total: 3 }, "progress"), null);
  assert.equal(store.state.status, "completed");
});

test("percent does not round up to 100 before the job has completed", () => {
  const store = storeWith(running({ seq: 1, current: 9999, total: 10000 }));
  assert.equal(store.state.percent, 99);

  store.apply(running({ seq: 2, current: 10000, total: 10000, percent: 100 }), "progress");
  assert.equal(store.state.percent, 99);

  store.apply({ seq: 3, status: "completed" }, "complete");
  assert.equal(store.state.percent, 100);
});

test("percent does not go back within a run, even after it was unknown", () => {
  const store = storeWith(running({ seq: 1, percent: 60 }));

  store.apply(running({ seq: 2, percent: 40 }), "progress");
  assert.equal(store.state.percent, 60);

  store.apply(running({ seq: 3, percent: null, total: null }), "progress");
  assert.equal(store.state.percent, null);

  store.apply(running({ seq: 4, percent: 50 }), "progress");
  assert.equal(store.state.percent, 60);
});

test("a retried job starts from nought, without its former error", () => {
  const store = storeWith({ seq: 9, status: "failed", percent: 60, error: { message: "Non" } });

  const change = store.apply({ seq: 10, status: "pending", percent: 0 }, "progress");

  assert.equal(change.newRun, true);
  assert.equal(store.state.percent, 0);
  assert.equal(store.state.error, null);
});

test("a total that was too low makes the percent unknown", () => {
  const store = storeWith(running({ current: 11, total: 10 }));

  assert.equal(store.state.percent, null);
});

test("an event in another language moves the numbers and leaves the texts", () => {
  const items = [{ message: "Adresse refusée" }];
  const snapshot = { title: "Envoi", message: "Facture 1", warnings: { total: 1, items } };
  const store = storeWith(running({ seq: 1, current: 1, lang: "fr", ...snapshot }));
  const english = { title: "Sending", message: "Invoice 2", warnings: { total: 2, items: [] } };

  const change = store.apply(
    running({ seq: 2, current: 2, lang: "en", ...english }),
    "progress",
    "fr-FR",
  );

  assert.equal(change.foreign, true);
  assert.equal(store.state.current, 2);
  assert.equal(store.state.title, "Envoi");
  assert.equal(store.state.message, "Facture 1");
  assert.deepEqual(store.state.warnings.items, items);
  assert.equal(store.state.warnings.total, 2);
});

test("a waiting message in another language does not outlive the waiting", () => {
  const store = storeWith({ seq: 1, status: "pending", message: "Attend la clôture" });

  store.apply(running({ seq: 2, lang: "en", message: "Reading" }), "start", "fr");

  assert.equal(store.state.message, "");
});

test("nonsense on the wire does no harm", () => {
  for (const nonsense of [null, 7, "text", [], { counts: 3, warnings: [], actions: "x" }]) {
    const store = storeWith(nonsense);

    assert.equal(store.state.status, "pending");
    assert.deepEqual(store.state.warnings, { total: 0, items: [] });
    assert.deepEqual(store.state.actions, []);
  }
});
