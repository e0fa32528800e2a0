import assert from "node:assert/strict";
import { test } from "node:test";
import { file, line } from "../scripts/notes.mjs";

test("a release's file is named by its subject", () => {
  assert.equal(file("Azora 2.13.1: a session ends everywhere"), "azora-2-13-1-a-session-ends-everywhere.txt");
});

test("the line on the wall ends with a whole word, and with nothing else", () => {
  assert.equal(line("Azora 2.13.1: a session ends everywhere at once"), "Azora 2.13.1: a session ends");
});
