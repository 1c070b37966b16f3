/* The small pure parts: addresses, ticks, what was typed, times, colours, pauses. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { backoff } from "../src/api/backoff.ts";
import { query } from "../src/api/call.ts";
import { newId } from "../src/api/ids.ts";
import { localPath, parse, roomPath } from "../src/store/route.ts";
import { judge } from "../src/store/ticks.ts";
import { read, tooLong } from "../src/store/typed.ts";
import { hue, initial } from "../src/text/people.ts";
import { n, speak, t } from "../src/text/strings.ts";
import { ago, dayName } from "../src/text/time.ts";
import { agentName } from "../src/views/account/agent.ts";

test("every address has its view", () => {
  assert.deepEqual(parse("/"), { view: "start" });
  assert.deepEqual(parse("/rooms"), { view: "rooms" });
  assert.deepEqual(parse("/rooms/r1"), { view: "room", room: "r1", seq: undefined, tab: undefined });
  assert.deepEqual(parse("/rooms/r1/42"), { view: "room", room: "r1", seq: 42, tab: undefined });
  assert.deepEqual(parse("/rooms/r1/settings"), { view: "room", room: "r1", seq: undefined, tab: "settings" });
  assert.deepEqual(parse("/invite/ab-c_d"), { view: "invite", token: "ab-c_d" });
  assert.deepEqual(parse("/ticket/x/"), { view: "ticket", token: "x" });
  for (const view of ["login", "signup", "directory", "account", "admin"] as const) assert.deepEqual(parse(`/${view}`), { view });
  for (const path of ["/rooms/r1/0", "/rooms/r1/x", "/rooms/r1/1/2", "/nothing", "/login/x", "/invite", "/invite/a/b", "/%"]) {
    assert.deepEqual(parse(path), { view: "nowhere" }, path);
  }
  assert.equal(roomPath("a/b", 3), "/rooms/a%2Fb/3");
  assert.deepEqual(parse(roomPath("a/b", 3)), { view: "room", room: "a/b", seq: 3, tab: undefined });
});

test("after signing in one never lands on another site", () => {
  for (const path of ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", null, ""]) assert.equal(localPath(path, "/rooms"), "/rooms");
  assert.equal(localPath("/rooms/r1?x=1", "/rooms"), "/rooms/r1?x=1");
});

test("the worst delivery is the one that counts", () => {
  const of = (...states: string[]) => judge(states.map((state) => ({ link: "l", network: "matrix", part: 0, state }))).mark;
  assert.equal(of(), "logged");
  assert.equal(of("sent", "folded", "cancelled"), "delivered");
  assert.equal(of("sent", "waiting"), "logged");
  assert.equal(of("sent", "skipped"), "logged");
  assert.equal(of("waiting", "dead", "sent"), "failed");
});

test("what was typed is what is said", () => {
  assert.deepEqual(read("  hi \n\n"), { text: "  hi", style: "text" });
  assert.deepEqual(read("/me waves\nand smiles"), { text: "waves\nand smiles", style: "emote" });
  assert.deepEqual(read("/men"), { text: "/men", style: "text" });
  assert.deepEqual(read("/me "), { text: "/me", style: "text" });
  assert.equal(read(" \n "), undefined);
  assert.equal(tooLong("é".repeat(5), 10), false);
  assert.equal(tooLong("é".repeat(6), 11), true);
});

test("strings are filled in and counted", () => {
  speak("en", { "a.hi": "Hi {name}, {name} and {other}", "a.new.one": "{count} line", "a.new.other": "{count} lines" });
  assert.equal(t("a.hi", { name: "$&" }), "Hi $&, $& and {other}");
  assert.deepEqual([n("a.new", 0), n("a.new", 1), n("a.new", 2)], ["0 lines", "1 line", "2 lines"]);
  assert.equal(t("a.missing"), "a.missing");
});

test("days are told as people say them", () => {
  speak("en", { "time.today": "Today", "time.yesterday": "Yesterday" });
  const now = new Date(2026, 2, 1, 0, 30).getTime();
  assert.equal(dayName(now - 10 * 60_000, now), "Today");
  assert.equal(dayName(now - 60 * 60_000, now), "Yesterday");
  assert.match(dayName(new Date(2026, 0, 5).getTime(), now), /Monday/);
  assert.match(dayName(new Date(2025, 0, 5).getTime(), now), /2025/);
  assert.equal(ago(now - 3 * 3_600_000, now), "3 hours ago");
});

test("faces and colours stay what they are", () => {
  assert.equal(hue("p1"), hue("p1"));
  assert.ok(new Set(Array.from({ length: 200 }, (_, index) => hue(`p${index}`))).size === 12);
  assert.deepEqual(["ada", "  @ßx", "李雷", "🎉", ""].map(initial), ["A", "SS", "李", "?", "?"]);
});

test("pauses grow to a limit, and are never the same for all", () => {
  const longest = Array.from({ length: 8 }, (_, tries) => backoff(tries, () => 1));
  assert.deepEqual(longest, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  assert.equal(backoff(0, () => 0), 250);
});

test("names for what is sent are never the same", () => {
  const made = Array.from({ length: 1_000 }, newId);
  assert.equal(new Set(made).size, 1_000);
  assert.match(made[0] ?? "", /^[0-9a-f]{24}$/);
});

test("paths carry their parameters safely", () => {
  assert.equal(query("/people", { q: "a&b c", after: undefined, limit: 3 }), "/people?q=a%26b+c&limit=3");
  assert.equal(query("/people", { q: "" }), "/people");
});

test("browsers are called as people call them", () => {
  assert.equal(agentName("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), "Firefox, Linux");
  assert.equal(agentName("Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) AppleWebKit/605 Version/18 Safari/604"), "Safari, iOS");
  assert.equal(agentName("curl/8.1"), "curl/8.1");
});
