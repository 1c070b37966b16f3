/* Which of the room's networks cannot be reached. What is written is kept for them. */

import type { Room, Status } from "../../api/types.ts";
import { networkName, t } from "../../text/strings.ts";
import { useStore } from "../context.ts";

export function Trouble({ room }: { room: Room }) {
  const { statuses } = useStore();
  return (
    <div role="status" id="banner">
      {statuses.of(room).map((status) => (
        <p key={status.network} class="banner">
          {words(status)}
        </p>
      ))}
      {room.links
        .filter((link) => link.state === "encrypted" || link.state === "broken")
        .map((link) => (
          <p key={link.network} class="banner">
            {link.state === "encrypted" ? t("trouble.encrypted", { network: networkName(link.network) }) : t("trouble.broken", { network: networkName(link.network) })}
          </p>
        ))}
    </div>
  );
}

function words(status: Status): string {
  const network = networkName(status.network);
  switch (status.health) {
    case "paused":
      return t("trouble.paused", { network });
    case "starting":
      return t("trouble.starting", { network });
    default:
      return t("trouble.down", { network });
  }
}
