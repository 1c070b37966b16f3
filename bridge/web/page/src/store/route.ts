/* Where the visitor is: the address of the page as a value. */

export type Route =
  | { view: "start" }
  | { view: "login" }
  | { view: "signup" }
  | { view: "invite"; token: string }
  | { view: "ticket"; token: string }
  | { view: "rooms" }
  | { view: "room"; room: string; seq: number | undefined; tab: Tab | undefined }
  | { view: "directory" }
  | { view: "account" }
  | { view: "admin" }
  | { view: "nowhere" };

/** What may lie over a room. */
export type Tab = "settings";

/** Read a path. The server answers all of these with the same document (bridge/web/shell.py). */
export function parse(path: string): Route {
  const [first = "", second, third, ...rest] = path.split("/").filter(Boolean).map(decoded);
  if (rest.length) return { view: "nowhere" };
  if (first === "rooms" && second !== undefined) return room(second, third);
  if ((first === "invite" || first === "ticket") && second !== undefined && third === undefined) {
    return { view: first, token: second };
  }
  if (second !== undefined) return { view: "nowhere" };
  switch (first) {
    case "":
      return { view: "start" };
    case "login":
    case "signup":
    case "rooms":
    case "directory":
    case "account":
    case "admin":
      return { view: first };
    default:
      return { view: "nowhere" };
  }
}

function room(id: string, more: string | undefined): Route {
  if (more === undefined) return { view: "room", room: id, seq: undefined, tab: undefined };
  if (more === "settings") return { view: "room", room: id, seq: undefined, tab: "settings" };
  if (/^[1-9]\d{0,15}$/.test(more)) return { view: "room", room: id, seq: Number(more), tab: undefined };
  return { view: "nowhere" };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a room, or of something in it. */
export function roomPath(id: string, more: string | number = ""): string {
  return `/rooms/${encodeURIComponent(id)}${more === "" ? "" : `/${more}`}`;
}

/** A path on this server, never an address elsewhere. */
export function localPath(wanted: string | null, otherwise: string): string {
  if (!wanted?.startsWith("/") || wanted.startsWith("//") || /[\\\p{Cc}]/u.test(wanted)) return otherwise;
  return wanted;
}
