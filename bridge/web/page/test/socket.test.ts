import assert from "node:assert/strict";
import { test } from "node:test";

import { Failure } from "../src/api/failure.ts";
import { ANSWER_MS, SILENT, Socket } from "../src/api/socket.ts";
import type { Frame } from "../src/api/types.ts";
import { FakeServer, settled } from "./wires.ts";

function connect(server: FakeServer) {
  const frames: Frame[] = [];
  const ends: number[] = [];
  const socket = new Socket(server.dial(), { frame: (frame) => frames.push(frame), ended: (code) => ends.push(code) });
  return { socket, frames, ends };
}

test("each request gets its own answer, a refusal with what the server says", async () => {
  const server = new FakeServer();
  const { socket } = connect(server);
  const welcome = await socket.greet({});
  assert.equal(welcome.account.person, "p1");
  const [page, placed] = await Promise.all([
    socket.request<{ events: [] }>("page", { before: 9, limit: 5 }),
    socket.request<{ seq: number }>("say", { client_id: "c", text: "hi" }),
  ]);
  assert.deepEqual(page.events, []);
  assert.equal(placed.seq, 1);
  server.refuse = { code: "slow_mode", message: "Wait.", field: "text", retry_after: 7 };
  await assert.rejects(socket.request("say", { client_id: "d" }), (error: Failure) => {
    assert.deepEqual([error.code, error.field, error.retryAfter, error.passing], ["slow_mode", "text", 7, true]);
    return true;
  });
});

test("the end is told once, and to all who wait", async () => {
  const server = new FakeServer();
  const { socket, ends } = connect(server);
  await socket.greet({});
  const waiting = socket.request("page", {});
  server.wire.close(4006);
  await assert.rejects(waiting, { code: "unreachable" });
  await assert.rejects(socket.request("page", {}), { code: "unreachable" });
  socket.close();
  assert.deepEqual(ends, [4006]);
});

test("a connection without answers is given up", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const server = new FakeServer();
  const { socket, ends } = connect(server);
  await socket.greet({});
  server.take = () => undefined;
  socket.keepAlive(15, () => ({ r1: 3 }));
  context.mock.timers.tick(15_000);
  await settled();
  assert.deepEqual(ends, []);
  context.mock.timers.tick(ANSWER_MS);
  assert.deepEqual(ends, [SILENT]);
});

test("pings carry what was seen", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const server = new FakeServer();
  const { socket } = connect(server);
  await socket.greet({});
  socket.keepAlive(15, () => ({ r1: 3 }));
  for (let time = 0; time < 3; time += 1) {
    context.mock.timers.tick(15_000);
    await settled();
  }
  const pings = server.asked.filter((asked) => asked.op === "ping");
  assert.deepEqual(pings.map((ping) => ping.ack), [{ r1: 3 }, { r1: 3 }, { r1: 3 }]);
});

test("what is no JSON, or answers nobody, is left alone", async (context) => {
  context.mock.method(console, "warn", () => undefined);
  const server = new FakeServer();
  const { socket, frames } = connect(server);
  await socket.greet({});
  server.wire.onmessage?.({ data: "{" });
  server.wire.push({ re: 99, ok: {} });
  server.wire.push({ ev: "typing", room: "r1", people: [] });
  assert.deepEqual(frames, [{ ev: "typing", room: "r1", people: [] }]);
});
