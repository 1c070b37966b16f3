/* How a room is set: each part is saved alone, and shown to those who may change it. */

import { useEffect } from "preact/hooks";

import type { Room } from "../../api/types.ts";
import { roomPath } from "../../store/route.ts";
import { t } from "../../text/strings.ts";
import { Failed, Loading } from "../../ui/states.tsx";
import { useStore } from "../context.ts";
import { Page, Section } from "../page.tsx";
import { About } from "./about.tsx";
import { Access } from "./access.tsx";
import { End } from "./end.tsx";
import { Invites } from "./invites.tsx";
import { Links } from "./links.tsx";

export function RoomSettings({ id }: { id: string }) {
  const store = useStore();
  const place = store.places.at(id);
  useEffect(() => void store.follower.look(id), [id]);
  const room = place.room.value;
  const failure = place.failure.value;
  return (
    <Page title={room ? t("settings.of", { room: room.name }) : t("settings.title")} back={roomPath(id)}>
      {!room && (failure ? <Failed failure={failure} onRetry={() => store.follower.look(id)} /> : <Loading />)}
      {room && <Parts room={room} />}
    </Page>
  );
}

function Parts({ room }: { room: Room }) {
  const may = (action: string) => room.can.includes(action);
  return (
    <>
      {may("describe") && !room.direct_with && (
        <Section title={t("settings.about")}>
          <About room={room} />
        </Section>
      )}
      {may("configure") && !room.direct_with && (
        <Section title={t("settings.who_may")}>
          <Access room={room} />
        </Section>
      )}
      {may("invite") && !room.direct_with && (
        <Section title={t("invites.title")}>
          <Invites path={`/rooms/${encodeURIComponent(room.id)}/invites`} inRoom />
        </Section>
      )}
      {(room.links.length > 0 || may("configure")) && !room.direct_with && (
        <Section title={t("settings.links")}>
          <Links room={room} />
        </Section>
      )}
      {room.joined && (
        <Section title={t("settings.end")}>
          <End room={room} />
        </Section>
      )}
    </>
  );
}
