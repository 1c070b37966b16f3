/* Where else the room is: what people on each network call it, and how that stands. */

import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import type { Room } from "../../api/types.ts";
import { networkName, t } from "../../text/strings.ts";
import { Confirm } from "../../ui/confirm.tsx";
import { useStore } from "../context.ts";

export function Links({ room }: { room: Room }) {
  const [asked, setAsked] = useState(false);
  const store = useStore();
  const mirror = async () => {
    store.places.put(await call<Room>("PATCH", `/rooms/${encodeURIComponent(room.id)}`, { mirror: true }));
  };
  if (!room.links.length) {
    return (
      <>
        <p class="hint">{t("links.none")}</p>
        <div class="row">
          <button type="button" onClick={() => setAsked(true)}>
            {t("links.mirror")}
          </button>
        </div>
        {asked && (
          <Confirm title={t("links.mirror")} action={t("links.mirror")} harmless onConfirm={mirror} onClose={() => setAsked(false)}>
            <p>{t("links.mirror_sure")}</p>
          </Confirm>
        )}
      </>
    );
  }
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
