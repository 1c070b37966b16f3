import assert from "node:assert/strict";
import { test } from "node:test";

import type { Delivery } from "../src/api/types.ts";
import { EMPTY, type Log, amended, delivered, live, older, position, put, told, trimmed } from "../src/store/log.ts";
import { line } from "./made.ts";

const seqs = (log: Log): number[] => log.lines.map((each) => each.seq);
const of = (...numbers: number[]): Log => numbers.reduce((log, seq) => told(log, line(seq)), EMPTY);
const delivery = (state: string, more: Partial<Delivery> = {}): Delivery => ({ link: "l", network: "matrix", part: 0, state, ...more });

test("lines stand in the order of their numbers, each once", () => {
  const log = told(told(of(1, 2, 5), line(4)), line(5, { content: { text: "again" } }));
  assert.deepEqual(seqs(log), [1, 2, 4, 5]);
  assert.equal(log.lines[3]?.content.text, "again");
  assert.equal(log.seen, 5);
});

test("a line that was only guessed does not move the place to go on from", () => {
  const log = put(of(1, 2), line(7));
  assert.deepEqual(seqs(log), [1, 2, 7]);
  assert.equal(log.seen, 2);
  assert.deepEqual(seqs(told(told(log, line(3)), line(7))), [1, 2, 3, 7]);
});

test("an edit is shown, an older report of it changes nothing, a removal is for ever", () => {
  const edited = amended(of(1), line(1, { content: { text: "new" }, edited_at: 20 }));
  assert.equal(edited.lines[0]?.content.text, "new");
  assert.equal(amended(edited, line(1, { content: { text: "old" }, edited_at: 10 })).lines[0]?.content.text, "new");
  assert.equal(told(edited, line(1)).lines[0]?.content.text, "new");
  const removed = amended(edited, line(1, { removed: true, content: { text: "" } }));
  assert.equal(amended(removed, line(1, { content: { text: "new" }, edited_at: 30 })).lines[0]?.removed, true);
  assert.equal(amended(of(1), line(9)).lines.length, 1);
});

test("a delivery's end is not undone by a late report", () => {
  let log = of(1);
  for (const state of ["waiting", "sending", "sent", "sending"]) log = delivered(log, 1, delivery(state));
  assert.deepEqual(log.lines[0]?.deliveries, [delivery("sent")]);
  log = amended(log, line(1, { edited_at: 5, deliveries: [delivery("waiting"), delivery("waiting", { part: 1 })] }));
  assert.deepEqual(log.lines[0]?.deliveries.map((each) => each.state), ["sent", "waiting"]);
  assert.equal(delivered(log, 99, delivery("sent")), log);
  const dead = delivered(of(1), 1, delivery("dead", { reason: "no" }));
  assert.equal(delivered(dead, 1, delivery("sent")).lines[0]?.deliveries[0]?.state, "sent");
});

test("older pages go before what is there, and the empty one is the end", () => {
  const log = older(of(10, 11), [line(8), line(9), line(10)]);
  assert.deepEqual(seqs(log), [8, 9, 10, 11]);
  assert.equal(log.complete, false);
  assert.equal(older(log, []).complete, true);
  assert.equal(log.seen, 11);
});

test("forgotten lines can be fetched again", () => {
  const log = trimmed({ ...of(1, 2, 3, 4), complete: true }, 2);
  assert.deepEqual(seqs(log), [3, 4]);
  assert.equal(log.complete, false);
  assert.equal(trimmed(log, 2), log);
});

test("an empty room is known as soon as everything was told", () => {
  assert.equal(EMPTY.seen, null);
  assert.equal(live(EMPTY, 0).seen, 0);
  assert.equal(live(of(3), 2).seen, 3);
});

test("the place of a number is found wherever it is", () => {
  const lines = of(2, 4, 6, 8).lines;
  assert.deepEqual([1, 2, 3, 4, 7, 8, 9].map((seq) => position(lines, seq)), [0, 0, 1, 1, 3, 3, 4]);
  assert.equal(position([], 5), 0);
});
