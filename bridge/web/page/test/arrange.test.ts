import assert from "node:assert/strict";
import { test } from "node:test";

import { arrange, goesOn } from "../src/store/arrange.ts";
import { line } from "./made.ts";

const DAY = 86_400_000;
const NOON = new Date(2026, 5, 1, 12).getTime();
const at = (seq: number, ms: number, more = {}) => line(seq, { at: NOON + ms, ...more });
const other = { who: { id: "p2", name: "Bo", network: "matrix" } };

test("lines of one author within minutes are a run", () => {
  const lines = [at(1, 0), at(2, 60_000), at(3, 61_000, other), at(4, 62_000), at(5, 62_000 + 6 * 60_000)];
  assert.deepEqual(arrange(lines, undefined, "me").map((each) => each.first), [true, false, true, true, true]);
});

test("an emote, another kind and a new name end a run", () => {
  const emote = { content: { text: "waves", style: "emote" as const } };
  const renamed = { who: { id: "p1", name: "Ada L.", network: "web" } };
  const lines = [at(1, 0), at(2, 1, emote), at(3, 2), at(4, 3, { kind: "joined" }), at(5, 4), at(6, 5, renamed)];
  assert.deepEqual(arrange(lines, undefined, "me").map((each) => each.first), [true, true, true, true, true, true]);
});

test("each day has its heading, and begins a run", () => {
  const lines = [at(1, 0), at(2, 1), at(3, DAY), at(4, DAY + 1)];
  assert.deepEqual(arrange(lines, undefined, "me").map((each) => [each.day, each.first]), [[true, true], [false, false], [true, true], [false, false]]);
});

test("the mark of what is new stands before the first line of somebody else", () => {
  const mine = { who: { id: "me", name: "Me", network: "web" } };
  const lines = [at(1, 0), at(2, 1), at(3, 2, mine), at(4, 3), at(5, 4)];
  const marked = (after: number | undefined) => arrange(lines, after, "me").filter((each) => each.fresh).map((each) => each.line.seq);
  assert.deepEqual(marked(undefined), []);
  assert.deepEqual(marked(2), [4]);
  assert.deepEqual(marked(1), [2]);
  assert.deepEqual(marked(0), []);
  assert.deepEqual(marked(5), []);
});

test("what is being sent stands in the run of one's own last line", () => {
  const item = { client_id: "c", text: "x", style: "text" as const, at: NOON + 1_000, after: 1 };
  assert.equal(goesOn(at(1, 0), "p1", item), true);
  assert.equal(goesOn(at(1, 0), "p2", item), false);
  assert.equal(goesOn(undefined, "p1", item), false);
  assert.equal(goesOn(at(1, -6 * 60_000), "p1", item), false);
});
