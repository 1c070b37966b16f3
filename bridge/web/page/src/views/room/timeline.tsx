/* The lines of a room, what waits to become one, and the ways up and down. */

import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";

import { type Failure, asFailure } from "../../api/failure.ts";
import { arrange, goesOn } from "../../store/arrange.ts";
import type { Place } from "../../store/place.ts";
import { shadowed } from "../../store/unsent.ts";
import { t } from "../../text/strings.ts";
import { Loading } from "../../ui/states.tsx";
import { useStore } from "../context.ts";
import { useAway } from "./away.ts";
import { deskOf } from "./desk.ts";
import { Pill } from "./pill.tsx";
import { useRows } from "./rows.tsx";
import { Scroll } from "./scroll.ts";
import { useTarget } from "./target.ts";
import { UnsentItem } from "./unsent.tsx";

export function Timeline({ place, target }: { place: Place; target: number | undefined }) {
  const store = useStore();
  const me = store.session.person;
  const { lines, seen } = place.log.value;
  const pictures = place.pictures.value;
  const arranged = useMemo(() => arrange(lines, place.newAfter.value, me), [lines, place.newAfter.value, me]);
  const hidden = shadowed(place.unsent.value, lines, me);
  const waiting = place.unsent.value.filter((item) => !hidden.has(item.client_id));
  const view = useScroll(place);
  useTarget(place, target, view.scroll);
  useAway(place);
  const moderates = place.can("remove_other");
  const flashed = deskOf(place).flashed.value;
  const rows = useRows(
    arranged.map((each) => ({
      ...each,
      own: each.line.who.id === me,
      moderates,
      picture: pictures.get(each.line.who.id) ?? "",
      place,
      store,
      flashed: flashed === each.line.seq,
    })),
  );
  return (
    <div class="timeline">
      <div class="scroller" id="scroller" ref={view.box} tabIndex={0} role="log" aria-live="polite" aria-relevant="additions" aria-label={t("room.timeline")} aria-busy={!place.live.value}>
        <Edge place={place} failure={view.failure.value} onRetry={view.older} />
        {seen === null && <Loading />}
        <ol class="lines" id="lines" ref={view.list}>
          {rows}
          {waiting.map((item, index) => (
            <UnsentItem key={item.client_id} item={item} place={place} first={index === 0 && !goesOn(lines.at(-1), me, item)} />
          ))}
        </ol>
      </div>
      <Pill place={place} stuck={view.stuck} onLatest={() => view.scroll.current?.toEnd()} />
    </div>
  );
}

/** What is above the first line. */
function Edge({ place, failure, onRetry }: { place: Place; failure: Failure | undefined; onRetry(): void }) {
  const { lines, seen, complete } = place.log.value;
  if (seen === null) return null;
  if (failure) {
    return (
      <p class="edge">
        {t("timeline.not_loaded")}{" "}
        <button type="button" class="link" onClick={onRetry}>
          {t("ui.retry")}
        </button>
      </p>
    );
  }
  if (!complete) return <p class="edge">{t("timeline.loading")}</p>;
  const said = lines.some((line) => line.kind === "said");
  const partly = place.room.value?.history === "joined" && place.room.value.role !== "owner";
  return <p class="edge">{!said && place.can("say") ? t("timeline.empty") : partly ? t("timeline.beginning_joined") : t("timeline.beginning")}</p>;
}

/** Bind the scrolling to the elements, and load older lines where they are wanted. */
function useScroll(place: Place) {
  const store = useStore();
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const scroll = useRef<Scroll | undefined>(undefined);
  const stuck = useSignal(true);
  const failure = useSignal<Failure | undefined>(undefined);
  const older = useMemo(() => () => void load(), [place]);

  async function load(): Promise<void> {
    if (!place.live.value) return;
    try {
      await store.follower.older(place);
      failure.value = undefined;
    } catch (error) {
      failure.value = asFailure(error);
    }
  }

  useLayoutEffect(() => {
    if (!box.current || !list.current) return undefined;
    const made = new Scroll(box.current, list.current, stuck, {
      nearTop: () => !failure.value && !place.log.value.complete && older(),
      saw: (seq) => store.reading.saw(place, seq),
    });
    scroll.current = made;
    const again = () => made.seenAgain();
    addEventListener("focus", again);
    document.addEventListener("visibilitychange", again);
    return () => {
      made.end();
      removeEventListener("focus", again);
      document.removeEventListener("visibilitychange", again);
    };
  }, [place]);

  // What was written here is to be seen.
  const count = place.unsent.value.length;
  const before = useRef(count);
  useLayoutEffect(() => {
    if (count > before.current) scroll.current?.toEnd();
    else scroll.current?.restore();
    before.current = count;
  });
  const live = place.live.value;
  useEffect(() => {
    if (!live) return;
    failure.value = undefined;
    scroll.current?.restore();
  }, [live]);
  return { box, list, scroll, stuck, failure, older };
}
