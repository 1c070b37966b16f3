import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { Store } from "../src/store/store.ts";
import { shadowed } from "../src/store/unsent.ts";
import { Memory } from "./made.ts";
import { FakeServer, settled } from "./wires.ts";

interface Scene {
  server: FakeServer;
  store: Store;
  storage: Memory;
  /** Let time pass. */
  pass(ms: number): Promise<void>;
}

async function scene(context: TestContext, storage = new Memory(), server = new FakeServer()): Promise<Scene> {
  context.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  context.mock.method(console, "info", () => undefined);
  const store = new Store("v1", storage, server.dial);
  store.connection.start();
  store.follower.look("r1");
  await settled();
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      context.mock.timers.tick(500);
      await settled();
    }
  };
  return { server, store, storage, pass };
}

const texts = (store: Store): (string | undefined)[] => store.places.at("r1").log.value.lines.map((line) => line.content.text);

/** All that the room shows, in order: its lines, then what waits. */
function shown(store: Store): (string | undefined)[] {
  const place = store.places.at("r1");
  const hidden = shadowed(place.unsent.value, place.log.value.lines, "p1");
  return [...texts(store), ...place.unsent.value.filter((item) => !hidden.has(item.client_id)).map((item) => item.text)];
}

test("a room is followed, and what is written is shown at once and stands in the log once", async (context) => {
  const { store, server } = await scene(context);
  server.write("hello");
  const place = store.places.at("r1");
  store.outbox(place).add("mine", "text");
  assert.deepEqual(shown(store), ["hello", "mine"]);
  await settled();
  assert.deepEqual(shown(store), ["hello", "mine"]);
  assert.deepEqual(texts(store), ["hello", "mine"]);
  assert.equal(place.log.value.seen, 2);
  assert.equal(place.live.value, true);
});

test("a cut of a minute: no line is missing, none twice, what was written meanwhile is sent once", async (context) => {
  const { store, server, pass } = await scene(context);
  for (let count = 1; count <= 3; count += 1) server.write(`before ${count}`);
  server.up = false;
  server.wire.close(1006);
  assert.equal(store.connection.phase.value, "lost");
  for (let count = 1; count <= 20; count += 1) server.write(`away ${count}`);
  store.outbox(store.places.at("r1")).add("first of mine", "text");
  store.outbox(store.places.at("r1")).add("second of mine", "text");
  await pass(60_000);
  assert.deepEqual(shown(store).slice(-2), ["first of mine", "second of mine"]);
  server.up = true;
  await pass(20_000);
  assert.equal(store.connection.phase.value, "live");
  assert.deepEqual(texts(store), server.lines.map((line) => line.content.text));
  assert.deepEqual(texts(store).slice(-2), ["first of mine", "second of mine"]);
  assert.deepEqual(shown(store), texts(store));
});

test("an answer that is lost on its way doubles nothing", async (context) => {
  const { store, server, storage, pass } = await scene(context);
  server.cutBeforeAnswer = "say";
  store.outbox(store.places.at("r1")).add("once", "text");
  await settled();
  assert.equal(server.lines.length, 1);
  assert.equal(storage.length, 1);
  await pass(5_000);
  assert.deepEqual(shown(store), ["once"]);
  assert.deepEqual(server.lines.map((line) => line.content.text), ["once"]);
  assert.equal(storage.length, 0);
});

test("what was not sent survives a reload", async (context) => {
  const { store, server, storage } = await scene(context);
  server.up = false;
  server.wire.close(1006);
  store.outbox(store.places.at("r1")).add("kept", "emote");
  server.up = true;
  const again = new Store("v1", storage, server.dial);
  again.connection.start();
  await settled();
  assert.deepEqual(server.lines.map((line) => line.content.text), ["kept"]);
  assert.equal(storage.length, 0);
});

test("a refusal for good waits for the visitor, and holds up nothing", async (context) => {
  const { store, server, pass } = await scene(context);
  const place = store.places.at("r1");
  const outbox = store.outbox(place);
  server.refuse = { code: "not_allowed", message: "No." };
  outbox.add("refused", "text");
  outbox.add("fine", "text");
  await pass(500);
  assert.deepEqual(texts(store), ["fine"]);
  const [item] = place.unsent.value;
  assert.equal(item?.failure?.code, "not_allowed");
  assert.ok(item);
  outbox.retry(item);
  await settled();
  assert.deepEqual(texts(store), ["fine", "refused"]);
});

test("who writes too fast is sent later, in order", async (context) => {
  const { store, server, pass } = await scene(context);
  server.refuse = { code: "too_fast", message: "Wait.", retry_after: 2 };
  store.outbox(store.places.at("r1")).add("one", "text");
  store.outbox(store.places.at("r1")).add("two", "text");
  await pass(1_000);
  assert.deepEqual(texts(store), []);
  await pass(2_000);
  assert.deepEqual(texts(store), ["one", "two"]);
});

test("the same words twice are two lines", async (context) => {
  const { store, server, pass } = await scene(context);
  const outbox = store.outbox(store.places.at("r1"));
  outbox.add("ok", "text");
  outbox.add("ok", "text");
  await pass(500);
  assert.deepEqual(shown(store), ["ok", "ok"]);
  assert.equal(server.lines.length, 2);
});

test("older pages come before, to the beginning of the room", async (context) => {
  const server = new FakeServer();
  for (let count = 1; count <= 120; count += 1) server.write(`${count}`);
  const { store } = await scene(context, new Memory(), server);
  const place = store.places.at("r1");
  assert.equal(place.log.value.lines.length, 50);
  const [first, second] = [store.follower.older(place), store.follower.older(place)];
  assert.deepEqual(await Promise.all([first, second]), [true, true]);
  assert.equal(place.log.value.lines.length, 100);
  while (await store.follower.older(place));
  assert.deepEqual(texts(store), server.lines.map((line) => line.content.text));
  assert.equal(place.log.value.complete, true);
});

test("a log that is begun anew drops an older page that was on its way", async (context) => {
  const server = new FakeServer();
  for (let count = 1; count <= 120; count += 1) server.write(`${count}`);
  const { store } = await scene(context, new Memory(), server);
  const place = store.places.at("r1");
  const page = store.follower.older(place);
  server.wire.push({ ev: "reset", room: "r1" });
  await page;
  assert.equal(place.log.value.lines.length, 0);
});

test("after a reset the newest page stands alone", async (context) => {
  const { store, server } = await scene(context);
  server.write("old");
  server.wire.push({ ev: "reset", room: "r1" });
  server.wire.push({ ev: "line", room: "r1", seq: 5_000, line: { ...server.lines[0], seq: 5_000 } });
  server.wire.push({ ev: "live", room: "r1", seq: 5_000 });
  assert.deepEqual(store.places.at("r1").log.value.lines.map((line) => line.seq), [5_000]);
  assert.equal(store.places.at("r1").live.value, true);
});

test("a new version of the page is noticed", async (context) => {
  const server = new FakeServer();
  const { store, pass } = await scene(context, new Memory(), server);
  assert.equal(store.connection.outdated.value, false);
  server.version = "v2";
  server.wire.close(4000);
  await pass(3_000);
  assert.equal(store.connection.outdated.value, true);
});

test("when the session is over, everything of it is forgotten and nothing is dialled", async (context) => {
  const { store, server, pass } = await scene(context);
  server.write("private");
  server.wire.close(4001);
  assert.equal(store.connection.phase.value, "off");
  assert.equal(store.session.account.value, undefined);
  assert.deepEqual(store.places.list.value, []);
  const dialled = server.wires.length;
  await pass(60_000);
  assert.equal(server.wires.length, dialled);
});

test("too many pages: it says so, and tries again after a while", async (context) => {
  const { store, server, pass } = await scene(context);
  server.up = false;
  server.wire.close(4004);
  assert.equal(store.connection.crowded.value, true);
  const dialled = server.wires.length;
  await pass(15_000);
  assert.equal(server.wires.length, dialled);
  server.up = true;
  await pass(20_000);
  assert.equal(store.connection.phase.value, "live");
  assert.equal(store.connection.crowded.value, false);
});

test("a room that cannot be shown says why", async (context) => {
  const { store } = await scene(context);
  store.follower.look("r9");
  await settled();
  assert.equal(store.places.at("r9").failure.value?.code, "no_such_room");
});

test("members, typing and badges are as they were told last", async (context) => {
  const { store, server } = await scene(context);
  const member = (id: string, name: string) => ({ id, name, network: "web", role: "member", avatar: "" });
  const push = (frame: object) => server.wire.push(frame);
  push({ ev: "members", room: "r1", members: [member("p1", "Ada"), member("p2", "Bo")] });
  push({ ev: "member", room: "r1", member: member("p3", "Anna") });
  push({ ev: "member", room: "r1", left: "p2" });
  push({ ev: "typing", room: "r1", people: [{ id: "p3", name: "Anna" }] });
  push({ ev: "badge", room: "r1", last_seq: 9, marker: 4, unread: 5, mentions: 1 });
  push({ ev: "room", room: { id: "r1", topic: "new" } });
  push({ ev: "nothing that this page knows", room: "r1" });
  const place = store.places.at("r1");
  assert.deepEqual(place.members.value.map((each) => each.name), ["Ada", "Anna"]);
  assert.deepEqual(place.typing.value.map((each) => each.name), ["Anna"]);
  assert.deepEqual([place.room.value?.unread, place.room.value?.mentions, place.room.value?.topic], [5, 1, "new"]);
  assert.deepEqual(store.places.news.value, { unread: 1, mentions: 1 });
  server.wire.close(1006);
  assert.deepEqual(place.typing.value, []);
  assert.equal(place.live.value, false);
});

test("rooms come and go", async (context) => {
  const { store, server } = await scene(context);
  server.wire.push({ ev: "rooms", joined: { ...server.room, id: "r2", name: "Second" } });
  assert.deepEqual(store.places.list.value.map((place) => place.id), ["r1", "r2"]);
  server.wire.push({ ev: "rooms", left: "r1" });
  assert.deepEqual(store.places.list.value.map((place) => place.id), ["r2"]);
  assert.equal(store.places.at("r1").room.value?.joined, false);
});

test("random cuts while lines flow, from both sides: in the end the page shows the log", async (context) => {
  const { store, server, storage, pass } = await scene(context);
  let state = 20_261;
  const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
  let mine = 0;
  for (let step = 0; step < 400; step += 1) {
    const what = random(12);
    if (what < 5) server.write(`theirs ${step}`);
    else if (what < 8) store.outbox(store.places.at("r1")).add(`mine ${(mine += 1)}`, "text");
    else if (what === 8) server.wire.close([1006, 4000, 4006][random(3)]);
    else if (what === 9) server.cutBeforeAnswer = "say";
    else await pass(random(4) * 500);
    assert.equal(new Set(shown(store)).size, shown(store).length, `something is shown twice at step ${step}`);
  }
  server.cutBeforeAnswer = "";
  await pass(120_000);
  const log = server.lines.map((line) => line.content.text);
  assert.deepEqual(texts(store), log);
  assert.deepEqual(log.filter((text) => text?.startsWith("mine")), Array.from({ length: mine }, (_, index) => `mine ${index + 1}`));
  assert.equal(storage.length, 0);
  assert.deepEqual(shown(store), log);
});
