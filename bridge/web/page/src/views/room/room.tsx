/* A room: its head, its lines, the place to write, and who is in it. */

import { useEffect } from "preact/hooks";

import { go } from "../../store/address.ts";
import type { Place } from "../../store/place.ts";
import { failureText, t } from "../../text/strings.ts";
import { Icon } from "../../ui/icon.tsx";
import { Loading } from "../../ui/states.tsx";
import { useStore } from "../context.ts";
import { peopleColumn } from "../frame/drawers.ts";
import { Page } from "../page.tsx";
import { useTitle } from "../title.ts";
import { Composer } from "./composer.tsx";
import { Head } from "./head.tsx";
import { JoinBar } from "./join_bar.tsx";
import { Members } from "./members.tsx";
import { Timeline } from "./timeline.tsx";
import { Trouble } from "./trouble.tsx";
import { TypingLine } from "./typing_line.tsx";

export function RoomView({ id, seq }: { id: string; seq: number | undefined }) {
  const store = useStore();
  const place = store.places.at(id);
  useVisit(place);
  const room = place.room.value;
  useTitle(room?.name ?? "");
  if (place.failure.value && !place.live.value) return <Unseen place={place} />;
  if (!room) {
    return (
      <Page title="">
        <Loading />
      </Page>
    );
  }
  return (
    <div class={peopleColumn.value ? "chat" : "chat alone"}>
      <main class="room" id="main" tabIndex={-1}>
        <Head place={place} room={room} />
        <Trouble room={room} />
        <Timeline key={id} place={place} target={seq} />
        <TypingLine place={place} />
        {room.joined ? <Composer key={id} place={place} room={room} /> : <JoinBar room={room} />}
      </main>
      <Members key={id} place={place} room={room} />
    </div>
  );
}

/** Follow the room while it is looked at, and fix where the new lines begin. */
function useVisit(place: Place): void {
  const store = useStore();
  const known = place.room.value !== undefined;
  useEffect(() => {
    store.follower.look(place.id);
    return () => {
      store.typing.stopped();
      store.reading.flush();
      place.newAfter.value = undefined;
      store.follower.trim(place);
    };
  }, [place]);
  useEffect(() => {
    const room = place.room.value;
    if (room && room.unread > 0) place.newAfter.value = room.marker;
  }, [place, known]);
  const live = store.connection.phase.value === "live";
  useEffect(() => {
    if (known || !live) return;
    // A room that the visitor is not in: the list does not tell of it.
    store.refresh(place.id).catch((error: unknown) => {
      console.info("the room cannot be shown:", error);
    });
  }, [place, known, live]);
}

/** A room that is not there, or not for this visitor. */
function Unseen({ place }: { place: Place }) {
  const { follower } = useStore();
  const failure = place.failure.value;
  return (
    <Page title={t("room.unseen")}>
      <div class="state" role="alert">
        <Icon name="lock" />
        <p>{failure && failureText(failure)}</p>
        <div class="row">
          <button type="button" onClick={() => follower.look(place.id)}>
            {t("ui.retry")}
          </button>
          <button type="button" class="main" onClick={() => go("/rooms")}>
            {t("rooms.title")}
          </button>
        </div>
      </div>
    </Page>
  );
}
