/* Where else the room is: what people on each network call it, and how that stands. */

import type { Room } from "../../api/types.ts";
import { networkName, t } from "../../text/strings.ts";

export function Links({ room }: { room: Room }) {
  return (
    <ul class="facts">
      {room.links.map((link) => (
        <li key={link.network}>
          <strong>{networkName(link.network)}</strong>
          <span class="alias">{link.address || "–"}</span>
          <span class="hint">{state(link.state)}</span>
        </li>
      ))}
    </ul>
  );
}

function state(of: string): string {
  switch (of) {
    case "ready":
      return t("link.ready");
    case "creating":
      return t("link.creating");
    case "encrypted":
      return t("link.encrypted");
    case "closed":
    case "gone":
      return t("link.closed");
    default:
      return t("link.broken");
  }
}
