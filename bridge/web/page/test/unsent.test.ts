import assert from "node:assert/strict";
import { test } from "node:test";

import { type Unsent, drop, dropAll, keep, load, roomsWith, shadowed } from "../src/store/unsent.ts";
import { Memory, line } from "./made.ts";

const item = (id: string, more: Partial<Unsent> = {}): Unsent => ({ client_id: id, text: `text ${id}`, style: "text", at: 1, after: 0, ...more });

test("what is kept is loaded in the order of writing, of this person and room alone", () => {
  const storage = new Memory();
  keep(storage, "p1", "r1", item("b", { at: 2 }));
  keep(storage, "p1", "r1", item("a", { at: 1 }));
  keep(storage, "p1", "r2", item("c"));
  keep(storage, "p2", "r1", item("d"));
  assert.deepEqual(load(storage, "p1", "r1").map((each) => each.client_id), ["a", "b"]);
  assert.deepEqual(roomsWith(storage, "p1").sort(), ["r1", "r2"]);
  drop(storage, "p1", "r1", item("a"));
  assert.deepEqual(load(storage, "p1", "r1").map((each) => each.client_id), ["b"]);
  dropAll(storage, "p1");
  assert.deepEqual([...storage.items.keys()], ["rialto.unsent/p2/r1/d"]);
});

test("what is no item is taken out, and a full storage is survived", (context) => {
  const storage = new Memory();
  storage.setItem("rialto.unsent/p1/r1/x", "{");
  storage.setItem("rialto.unsent/p1/r1/y", '{"text": 1}');
  assert.deepEqual(load(storage, "p1", "r1"), []);
  assert.equal(storage.length, 0);
  context.mock.method(console, "warn", () => undefined);
  storage.full = true;
  assert.equal(keep(storage, "p1", "r1", item("a")), false);
});

test("an item that is in the log already is not shown twice", () => {
  const hi = (seq: number, who = "p1") => line(seq, { who: { id: who, name: "Ada", network: "web" }, content: { text: "hi", style: "text" } });
  const two = [item("a", { text: "hi", after: 5 }), item("b", { text: "hi", after: 5 })];
  assert.deepEqual([...shadowed(two, [hi(4), hi(6)], "p1")], ["a"]);
  assert.deepEqual([...shadowed(two, [hi(6), hi(7)], "p1")], ["a", "b"]);
  assert.deepEqual([...shadowed(two, [hi(6, "p2")], "p1")], []);
  assert.deepEqual([...shadowed([item("a", { text: "hi", style: "emote", after: 5 })], [hi(6)], "p1")], []);
  assert.deepEqual([...shadowed([], [hi(6)], "p1")], []);
});
