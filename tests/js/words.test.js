import assert from "node:assert/strict";
import { test } from "node:test";
import { loadWithoutBrowser } from "./support/browser.js";

const { internals, messages } = loadWithoutBrowser();
const { Words } = internals;

/** Paths of all texts in a table. */
function paths(table, prefix = "") {
  return Object.entries(table).flatMap(([key, value]) =>
    typeof value === "string" ? [prefix + key] : paths(value, `${prefix}${key}.`),
  );
}

/** Names to be filled into each text. */
function placeholders(table) {
  return Object.values(table).flatMap((value) =>
    typeof value === "string" ? [(value.match(/\{\w+\}/g) ?? []).sort()] : placeholders(value),
  );
}

/** French writes narrow and no-break spaces, which depend on the version of its data. */
const plainSpaces = (text) => text.replace(/[\u00a0\u202f]/g, " ");

test("French and English have the same texts", () => {
  assert.deepEqual(paths(messages.fr), paths(messages.en));
});

test("French and English fill in the same facts", () => {
  assert.deepEqual(placeholders(messages.fr), placeholders(messages.en));
});

test("a language that is not spoken is answered in English", () => {
  assert.equal(Words.in("fr-CA").language, "fr");
  assert.equal(Words.in("de").language, "en");
});

test("durations are short and lose their seconds as they grow", () => {
  const words = Words.in("fr");
  const expected = [
    [0, "0 s"],
    [59.4, "59 s"],
    [60, "1 min"],
    [68, "1 min 08 s"],
    [599, "9 min 59 s"],
    [660, "11 min"],
    [3600, "1 h"],
    [3900, "1 h 05 min"],
  ];

  for (const [seconds, text] of expected) {
    assert.equal(plainSpaces(words.duration(seconds)), text);
  }
});

test("numbers, percents and sizes are written as the language does", () => {
  const fr = Words.in("fr");
  const en = Words.in("en");

  assert.equal(plainSpaces(fr.number(12408)), "12 408");
  assert.equal(en.number(12408), "12,408");
  assert.equal(plainSpaces(fr.percent(39)), "39 %");
  assert.equal(plainSpaces(fr.bytes(2_400_000)), "2,4 Mo");
  assert.equal(en.bytes(2_400_000), "2.4 MB");
});

test("nought is singular in French and plural in English", () => {
  assert.equal(Words.in("fr").warnings(0), "0 avertissement");
  assert.equal(Words.in("en").warnings(0), "0 warnings");
});
