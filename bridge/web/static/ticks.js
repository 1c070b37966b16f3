/* The mark behind one's own line: what became of it, in one small drawing and in words. */

import { networkName, t } from "./page.js";

const PATHS = {
  sending: "M12 4a8 8 0 100 16 8 8 0 000-16zM12 8v4l3 2",
  logged: "M5 13l4 4L19 7",
  delivered: "M2 13l4 4L16 7M11 16l1 1L22 7",
  failed: "M12 4a8 8 0 100 16 8 8 0 000-16zM12 8v5M12 16v.1",
};
const SVG = "http://www.w3.org/2000/svg";
const ENDED = new Set(["sent", "folded", "cancelled", "skipped"]);

/** Whether a delivery may go from `before` to `after`: a late report must not undo an end. */
export function follows(before, after) {
  return !(ENDED.has(before) && (after === "waiting" || after === "sending"));
}

/** What a line's deliveries come to: [mark, words]. One tick: in our log. Two: delivered on every link. */
export function judge(deliveries) {
  const dead = deliveries.find((each) => each.state === "dead");
  if (dead) return ["failed", t("chat.tick_failed", { network: networkName(dead.network), reason: dead.reason ?? "" })];
  const open = deliveries.find((each) => !ENDED.has(each.state));
  if (open) {
    const values = { network: networkName(open.network), reason: open.reason };
    return ["logged", open.reason ? t("chat.tick_waiting_why", values) : t("chat.tick_waiting", values)];
  }
  const skipped = deliveries.find((each) => each.state === "skipped");
  if (skipped) {
    const values = { network: networkName(skipped.network), reason: skipped.reason ?? "" };
    return ["logged", t("chat.tick_skipped", values)];
  }
  return deliveries.length ? ["delivered", t("chat.tick_delivered")] : ["logged", t("chat.tick_logged")];
}

/** Draw a mark; `words` are what a pointer or a screen reader gets. */
export function tick(mark, words) {
  const made = document.createElement("span");
  made.className = `tick ${mark}`;
  made.title = words;
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", words);
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[mark]);
  drawing.append(path);
  made.append(drawing);
  return made;
}
