/* Who is in the room: the panel, the drawer on narrow screens, and everybody's face. */

import { call } from "./calls.js";
import { n, networkName, page, t } from "./page.js";

const encoder = new TextEncoder();

/** The number of a person's colour; `faces.py` counts the same (FNV-1a, 32 bits). */
export function hue(person) {
  let state = 0x811c9dc5;
  for (const byte of encoder.encode(person)) state = Math.imul(state ^ byte, 0x01000193) >>> 0;
  return state % 12;
}

function initial(name) {
  return (name.match(/[\p{L}\p{N}]/u)?.[0] ?? "?").toUpperCase();
}

/** A face: the picture where there is one, over the initial. */
export function face(person, name, picture, size = "") {
  const made = document.createElement("span");
  made.className = `face hue-${hue(person)} ${size}`;
  made.setAttribute("aria-hidden", "true");
  made.textContent = initial(name);
  if (picture) {
    const image = new Image();
    image.alt = "";
    image.loading = "lazy";
    image.addEventListener("error", () => image.remove());
    image.src = picture;
    made.append(image);
  }
  return made;
}

/** The badge of a network, or null for people who are from here. */
export function badge(network) {
  if (network === "web") return null;
  const made = document.createElement("span");
  made.className = "badge";
  made.textContent = networkName(network);
  return made;
}

const ROLES = {
  owner: () => t("role.owner"),
  moderator: () => t("role.moderator"),
  member: () => t("role.member"),
  muted: () => t("role.muted"),
  guest: () => t("role.guest"),
};

export function roleName(role) {
  return (ROLES[role] ?? (() => role))();
}

export class People {
  #pictures = new Map();
  #list = document.getElementById("people-list");
  #panel = document.getElementById("people");
  #button = document.getElementById("people-button");
  #shade = document.getElementById("shade");
  #timer = 0;

  constructor(members) {
    this.show(members);
    this.#button.addEventListener("click", () => this.#open(true));
    this.#shade.addEventListener("click", () => this.#open(false));
    document.getElementById("people-close").addEventListener("click", () => this.#open(false));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#panel.classList.contains("open")) this.#open(false);
    });
  }

  /** The address of a person's picture, or an empty string. */
  picture(person) {
    return this.#pictures.get(person) ?? "";
  }

  /** Ask the server again who is here; many changes at once ask once. */
  refresh() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      try {
        this.show((await call("GET", `/api/v1/rooms/${page.room.id}/members`)).members);
      } catch (error) {
        // The stream notices a lost connection and asks again when it is back.
        console.info("members not loaded:", error.message);
      }
    }, 250);
  }

  show(members) {
    for (const member of members) this.#pictures.set(member.id, member.avatar);
    this.#list.replaceChildren(...members.map((member) => this.#item(member)));
    document.getElementById("people-count").textContent = String(members.length);
    this.#panel.querySelector("h2").textContent = n("chat.people", members.length);
  }

  #item(member) {
    const item = document.createElement("li");
    const who = document.createElement("span");
    who.className = "who";
    const name = document.createElement("span");
    name.className = "ellipsis";
    name.textContent = member.id === page.me.person ? `${member.name} (${t("chat.you")})` : member.name;
    who.append(name);
    if (ROLES[member.role] && member.role !== "member") {
      const role = document.createElement("small");
      role.textContent = ROLES[member.role]();
      who.append(role);
    }
    item.append(face(member.id, member.name, member.avatar, "small"), who, badge(member.network) ?? "");
    return item;
  }

  #open(open) {
    this.#panel.classList.toggle("open", open);
    this.#shade.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
    (open ? document.getElementById("people-close") : this.#button).focus();
  }
}
