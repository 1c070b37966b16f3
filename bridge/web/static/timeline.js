/* The lines of the room in the order of their numbers: each once, whatever brings it and however often. */

import { call } from "./calls.js";
import { drawDay, drawSaid, drawSystem } from "./line.js";
import { dayKey, n, page, t } from "./page.js";
import { follows } from "./ticks.js";

const GROUP_MS = 5 * 60 * 1000;
const NEAR = 60;

export class Timeline {
  /** The highest number that was seen: the stream goes on after it. */
  last = 0;
  #lines = new Map();
  #list = document.getElementById("lines");
  #scroller = document.getElementById("scroller");
  #edge = document.getElementById("edge");
  #pill = document.getElementById("pill");
  #complete = false;
  #loading = false;
  #unseen = 0;
  #stuck = true;

  /** `picture(person)` gives the address of a face; `tools(line)` the buttons of one's own line. */
  constructor(picture, tools) {
    this.picture = picture;
    this.tools = tools;
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#pill.addEventListener("click", () => this.toEnd());
    // The window, the keyboard of a phone or a late picture change heights: who was at the end stays there.
    const watcher = new ResizeObserver(() => this.#stuck && this.toEnd());
    watcher.observe(this.#scroller);
    watcher.observe(this.#list);
    watcher.observe(document.getElementById("unsent"));
  }

  /** Begin with a newest page. */
  start(lines) {
    this.#lines.clear();
    this.#list.replaceChildren();
    this.#complete = false;
    this.last = 0;
    for (const line of lines) this.#insert(line);
    this.toEnd();
    this.#fill();
  }

  /** The line of a number, or undefined. */
  line(seq) {
    return this.#lines.get(seq)?.line;
  }

  /** The newest of the visitor's own lines that can still be edited. */
  newestOwn() {
    for (let item = this.#list.lastElementChild; item; item = item.previousElementSibling) {
      const { line } = this.#lines.get(Number(item.dataset.seq));
      if (line.kind === "said" && line.who.id === page.me.person && !line.removed) return line;
    }
    return undefined;
  }

  /** The lowest number of the visitor's lines that still wait for a network. */
  oldestUnsettled() {
    const open = [...this.#lines.values()].filter(({ line }) =>
      line.deliveries.some((each) => each.state === "waiting" || each.state === "sending"),
    );
    return open.length ? Math.min(...open.map(({ line }) => line.seq)) : undefined;
  }

  /** Take a new line; one that is there already is brought up to date. Returns whether it was new. */
  add(line) {
    this.last = Math.max(this.last, line.seq);
    if (this.#lines.has(line.seq)) {
      this.amend(line);
      return false;
    }
    const stuck = this.#stuck;
    this.#insert(line);
    this.#beginning();
    if (stuck || line.who.id === page.me.person) this.toEnd();
    else this.#count(line);
    return true;
  }

  /** Let a line read as it does now; an older report of an edit changes nothing. */
  amend(line) {
    const known = this.#lines.get(line.seq);
    if (!known || known.line.removed || (known.line.edited_at ?? 0) > (line.edited_at ?? 0)) return;
    for (const before of known.line.deliveries) {
      const now = line.deliveries.find((each) => each.link === before.link && each.part === before.part);
      if (now && !follows(before.state, now.state)) Object.assign(now, before);
    }
    this.#redraw(known, line);
  }

  /** Take the news of one delivery. */
  deliver(report) {
    const known = this.#lines.get(report.seq);
    if (!known) return;
    const { seq, ...delivery } = report;
    const others = known.line.deliveries;
    const at = others.findIndex((each) => each.link === delivery.link && each.part === delivery.part);
    if (at >= 0 && !follows(others[at].state, delivery.state)) return;
    const deliveries = at >= 0 ? others.with(at, delivery) : [...others, delivery];
    this.#redraw(known, { ...known.line, deliveries });
  }

  /** Go to the newest line. */
  toEnd() {
    this.#stuck = true;
    this.#unseen = 0;
    this.#pill.hidden = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** Look at where the next line will be in doubt: is the end in view? */
  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#stuck = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#stuck) this.#unseen = 0;
    this.#showPill();
    if (scrollTop < 400) this.#older();
  }

  #count(line) {
    if (line.kind === "said") this.#unseen += 1;
    this.#showPill();
  }

  #showPill() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#pill.hidden = this.#stuck || (!this.#unseen && scrollHeight - scrollTop - clientHeight < clientHeight);
    this.#pill.firstElementChild.textContent = this.#unseen ? n("chat.new", this.#unseen) : "";
  }

  #insert(line) {
    let after = this.#list.lastElementChild;
    while (after && Number(after.dataset.seq) > line.seq) after = after.previousElementSibling;
    const item = this.#draw(line);
    if (after) after.after(item);
    else this.#list.prepend(item);
    this.#lines.set(line.seq, { line, item });
    this.last = Math.max(this.last, line.seq);
    this.#group(item);
    if (item.nextElementSibling) this.#group(item.nextElementSibling);
  }

  #redraw(known, line) {
    const stuck = this.#stuck;
    const item = this.#draw(line);
    known.item.replaceWith(item);
    known.item = item;
    known.line = line;
    this.#group(item);
    if (stuck) this.toEnd();
  }

  #draw(line) {
    const own = line.kind === "said" && line.who.id === page.me.person && !line.removed;
    const item =
      line.kind === "said"
        ? drawSaid(line, this.picture(line.who.id), own ? this.tools(line) : null)
        : drawSystem(line);
    item.dataset.seq = line.seq;
    return item;
  }

  /** Say the day over its first line, and the name over the first of several lines. */
  #group(item) {
    const { line } = this.#lines.get(Number(item.dataset.seq)) ?? {};
    if (!line) return;
    const before = item.previousElementSibling && this.#lines.get(Number(item.previousElementSibling.dataset.seq)).line;
    const newDay = !before || dayKey(before.at) !== dayKey(line.at);
    item.querySelector(":scope > .day")?.remove();
    if (newDay) item.prepend(drawDay(line.at));
    const follows =
      !newDay && before.kind === "said" && before.who.id === line.who.id && before.who.name === line.who.name &&
      line.at - before.at < GROUP_MS && line.content.style !== "emote" && before.content.style !== "emote";
    item.classList.toggle("first", line.kind !== "said" || !follows);
  }

  /** Load older lines until the view is full. */
  async #fill() {
    while (!this.#complete && this.#scroller.scrollHeight <= this.#scroller.clientHeight + 400) {
      if (!(await this.#older())) return;
    }
  }

  /** Load the page before the first line; what is in view stays where it is. Returns whether that worked. */
  async #older() {
    if (this.#loading || this.#complete) return false;
    this.#loading = true;
    this.#edge.textContent = t("chat.loading");
    try {
      const first = this.#list.firstElementChild;
      const bound = first ? `&before=${first.dataset.seq}` : "";
      const path = `/api/v1/rooms/${page.room.id}/events?limit=50${bound}`;
      const { events } = await call("GET", path);
      this.#complete = events.length === 0;
      this.#prepend(events);
      return true;
    } catch (error) {
      console.info("older lines not loaded:", error.message);
      return false;
    } finally {
      this.#loading = false;
      this.#beginning();
    }
  }

  #prepend(events) {
    const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    // Old lines are no news: a screen reader does not read them out.
    this.#list.setAttribute("aria-busy", "true");
    for (const line of events.toReversed()) if (!this.#lines.has(line.seq)) this.#insert(line);
    this.#list.removeAttribute("aria-busy");
    if (this.#stuck) this.toEnd();
    else this.#scroller.scrollTop = this.#scroller.scrollHeight - fromEnd;
  }

  #beginning() {
    const said = [...this.#lines.values()].some(({ line }) => line.kind === "said");
    if (!this.#complete) this.#edge.textContent = "";
    else this.#edge.textContent = said ? t("chat.beginning") : t("chat.empty");
  }
}
