/* What is shown beside the list while no room is chosen: a welcome, and where to begin. */

import { t } from "../text/strings.ts";
import { Logo } from "../ui/logo.tsx";
import { useStore } from "./context.ts";
import { Page } from "./page.tsx";
import { RoomTiles } from "./room_tiles.tsx";

export function Rooms() {
  const { places, session } = useStore();
  const rooms = places.list.value.flatMap((place) => place.room.value ?? []);
  return (
    <Page title={t("rooms.title")}>
      {places.known.value && !rooms.length && (
        <div class="state">
          <Logo />
          <p>{t("rooms.none", { name: session.account.value?.display_name ?? "" })}</p>
          <a class="button main" href="/directory">
            {t("rooms.look")}
          </a>
        </div>
      )}
      {rooms.length > 0 && <RoomTiles rooms={rooms} />}
    </Page>
  );
}
