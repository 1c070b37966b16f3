/* One line of the log as an element. Only `content.html` is HTML: the server has made it safe; all else is text. */

import { dayName, networkName, page, t, timeElement } from "./page.js";
import { badge, face, hue, roleName } from "./people.js";
import { judge, tick } from "./ticks.js";

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const TOLD = {
  delivery_failed: (values) => t("told.delivery_failed", { ...values, network: networkName(values.network) }),
  encrypted: () => t("told.encrypted"),
  mirrored: (values) => t("told.mirrored", { network: networkName(values.network) }),
};

const SYSTEM = {
  joined: (line) => t("chat.joined", { name: line.content.name || line.who.name }),
  left: (line) => {
    const how = { kicked: t("chat.kicked", line.who), banned: t("chat.banned", line.who) };
    return how[line.content.how] ?? t("chat.left", line.who);
  },
  profiled: (line) => {
    const { name, was } = line.content;
    return was ? t("chat.renamed", { was, name }) : t("chat.new_picture", { name });
  },
  described: (line) => {
    const { name, topic, avatar } = line.content;
    const who = line.who.name;
    const told = [];
    if (name !== undefined) told.push(t("chat.room_named", { name: who, room: name }));
    if (topic) told.push(t("chat.room_topic", { name: who, topic }));
    if (topic === "") told.push(t("chat.room_no_topic", { name: who }));
    if (avatar !== undefined) told.push(t("chat.room_picture", { name: who }));
    return told.join(" · ");
  },
  configured: (line) => {
    const { access, history, slow_seconds: seconds, archived } = line.content;
    const name = line.who.name;
    const told = [];
    if (access === "public") told.push(t("chat.access_public", { name }));
    if (access === "invite") told.push(t("chat.access_invite", { name }));
    if (history === "all") told.push(t("chat.history_all", { name }));
    if (history === "joined") told.push(t("chat.history_joined", { name }));
    if (seconds) told.push(t("chat.slow", { name, seconds }));
    if (seconds === 0) told.push(t("chat.slow_off", { name }));
    if (archived === true) told.push(t("chat.archived", { name }));
    if (archived === false) told.push(t("chat.unarchived", { name }));
    return told.join(" · ");
  },
  ranked: (line) => {
    const { name: person, role } = line.content;
    return t("chat.ranked", { name: line.who.name, person, role: roleName(role) });
  },
  told: (line) => (TOLD[line.content.key] ?? (() => t("told.unknown")))(line.content.values ?? {}),
};

function words(line) {
  const { text, html, style } = line.content;
  const made = element("div", `content ${style ?? "text"}`);
  if (line.removed) {
    made.classList.add("gone");
    made.textContent = t("chat.removed");
    return made;
  }
  if (html) {
    made.classList.add("html");
    made.innerHTML = html;
    for (const link of made.querySelectorAll("a[href]")) {
      link.target = "_blank";
      link.rel = "noopener noreferrer nofollow";
    }
    for (const hidden of made.querySelectorAll("[data-mx-spoiler]")) makeSpoiler(hidden);
  } else {
    made.textContent = text;
  }
  if (style === "emote") made.prepend(`* ${line.who.name} `);
  if (line.edited_at) made.append(element("span", "mark", `(${t("chat.edited")})`));
  return made;
}

function makeSpoiler(hidden) {
  hidden.tabIndex = 0;
  hidden.setAttribute("role", "button");
  const open = () => hidden.classList.toggle("open");
  hidden.addEventListener("click", open);
  hidden.addEventListener("keydown", (event) => {
    if (event.key === "Enter") open();
  });
}

function head(line) {
  const made = element("div", "line-head");
  made.append(element("span", `name hue-${hue(line.who.id)}`, line.who.name), badge(line.who.network) ?? "");
  made.append(timeElement(line.at));
  return made;
}

/** Draw what somebody said; `tools` are the buttons of one's own lines. */
export function drawSaid(line, picture, tools) {
  const item = element("li", "line said");
  const row = element("div", "line-row");
  const gutter = element("div", "gutter");
  gutter.append(face(line.who.id, line.who.name, picture), timeElement(line.at));
  const body = element("div", "line-body");
  body.append(head(line), words(line));
  row.append(gutter, body);
  const own = line.who.id === page.me.person;
  if (own && !line.removed) {
    const end = element("div", "line-end");
    const [mark, told] = line.unsent ?? judge(line.deliveries);
    end.append(tick(mark, told));
    row.append(end);
    if (mark === "failed") body.append(element("div", "why", told));
    if (tools) row.append(tools);
  }
  item.append(row);
  item.classList.toggle("own", own);
  return item;
}

/** Draw a line about the room: who came, went, changed a name. */
export function drawSystem(line) {
  const item = element("li", `line system ${line.kind}`);
  const row = element("div", "line-row");
  const body = element("div", "line-body");
  const said = element("div", "content", (SYSTEM[line.kind] ?? (() => t("told.unknown")))(line));
  said.append(" ", Object.assign(timeElement(line.at), { className: "mark" }));
  body.append(said);
  row.append(element("div", "gutter"), body);
  item.append(row);
  return item;
}

/** The heading over the first line of a day. */
export function drawDay(at) {
  return element("div", "day", dayName(at));
}
