/* The page of one room: puts its parts together. */

import { Banner } from "./banner.js";
import { call } from "./calls.js";
import { Composer } from "./composer.js";
import { Outbox } from "./outbox.js";
import { page, t } from "./page.js";
import { People } from "./people.js";
import { Stream } from "./stream.js";
import { Timeline } from "./timeline.js";

const events = `/api/v1/rooms/${page.room.id}/events`;
const people = new People(page.members);
const banner = new Banner(page.room, page.statuses);
const picture = (person) => people.picture(person);
const timeline = new Timeline(picture, tools);
/** Own lines that came back before the answer to their sending: they wait for it, so that none shows twice. */
const held = new Map();
const outbox = new Outbox(picture, settled, () => timeline.toEnd());
const composer = page.room.joined
  ? new Composer((text, style) => outbox.add(text, style), () => timeline.newestOwn())
  : null;

function settled(item, placed) {
  const line = held.get(placed.seq) ?? {
    seq: placed.seq,
    id: placed.id,
    kind: "said",
    who: { id: page.me.person, name: page.me.display_name, network: "web" },
    at: item.at,
    content: { text: item.text, style: item.style },
    deliveries: [],
  };
  const known = held.delete(placed.seq);
  // Without the line from the stream it is drawn from what was typed; the stream brings it as the log has it.
  if (known || !timeline.line(placed.seq)) show(line, !known);
  for (const other of [...held.values()]) if (!outbox.holds(other.content.text)) release(other);
}

function release(line) {
  held.delete(line.seq);
  show(line);
}

function take(line) {
  const own = line.kind === "said" && line.who.id === page.me.person;
  if (own && !timeline.line(line.seq) && outbox.holds(line.content.text)) held.set(line.seq, line);
  else show(line);
}

function report(delivery) {
  const waiting = held.get(delivery.seq);
  if (!waiting) return timeline.deliver(delivery);
  const { seq, ...now } = delivery;
  const others = waiting.deliveries.filter((each) => each.link !== now.link || each.part !== now.part);
  return held.set(seq, { ...waiting, deliveries: [...others, now] });
}

function show(line, guessed = false) {
  const last = timeline.last;
  timeline.add(line);
  // Only the stream says up to where everything was seen.
  if (guessed) timeline.last = last;
  if (["joined", "left", "profiled"].includes(line.kind)) people.refresh();
}

function tools(line) {
  const made = document.createElement("div");
  made.className = "tools";
  const edit = button(t("chat.edit"), () => composer?.edit(line));
  const remove = button(t("chat.remove"), () => {
    if (remove.classList.contains("sure")) composer?.remove(line);
    remove.classList.add("sure");
    remove.textContent = t("chat.remove_sure");
  });
  made.append(edit, remove);
  made.addEventListener("mouseleave", () => {
    remove.classList.remove("sure");
    remove.textContent = t("chat.remove");
  });
  return made;
}

function button(words, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  made.addEventListener("click", act);
  return made;
}

function describe(room) {
  document.getElementById("room-name").textContent = room.name;
  document.getElementById("room-topic").textContent = room.topic;
  document.title = document.title.replace(page.room.name, () => room.name);
  Object.assign(page.room, room);
  banner.room(room);
}

/** Deliveries are not numbered: after a pause, ask again about the lines that had not arrived. */
async function settleTicks() {
  const oldest = timeline.oldestUnsettled();
  if (oldest === undefined) return;
  const { events: lines } = await call("GET", `${events}?after=${oldest - 1}&limit=200`);
  for (const line of lines) timeline.amend(line);
}

async function again() {
  held.clear();
  timeline.start((await call("GET", events)).events);
  stream.open();
}

function excuse(error) {
  // The stream is watched: when the connection is back, this is asked again.
  console.info("not loaded:", error.message);
}

const stream = new Stream(
  () => timeline.last,
  {
    line: take,
    amended: (line) => timeline.amend(line),
    delivery: report,
    room: describe,
    status: (status) => banner.status(status),
    resync: () => again().catch(excuse),
    live: () => {
      outbox.run();
      people.refresh();
      settleTicks().catch(excuse);
    },
  },
  (online) => banner.online(online),
);

// Where there are many rooms, the present one may be further down in their list.
document.querySelector(".rail-rooms [aria-current]")?.scrollIntoView({ block: "nearest" });
timeline.start(page.events);
stream.open();
outbox.run();
