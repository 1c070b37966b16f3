/* In the place of the composer for those who are not in the room. */

import { call } from "../../api/call.ts";
import type { Room } from "../../api/types.ts";
import { t } from "../../text/strings.ts";
import { attempt } from "../../ui/notice.tsx";
import { useStore } from "../context.ts";

export function JoinBar({ room }: { room: Room }) {
  const { places } = useStore();
  const join = () =>
    attempt(async () => {
      places.put(await call<Room>("POST", `/rooms/${encodeURIComponent(room.id)}/join`, {}));
    });
  return (
    <div class="join-bar">
      <p>{t("room.not_in")}</p>
      <button type="button" class="main" onClick={join}>
        {t("room.join")}
      </button>
    </div>
  );
}
