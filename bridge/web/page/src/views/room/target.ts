/* Leads to the line that the address names: older lines are loaded until it is there. */

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

import type { Place } from "../../store/place.ts";
import { position } from "../../store/log.ts";
import type { Store } from "../../store/store.ts";
import { t } from "../../text/strings.ts";
import { attempt, notify } from "../../ui/notice.tsx";
import { useStore } from "../context.ts";
import { deskOf } from "./desk.ts";
import type { Scroll } from "./scroll.ts";

const PAGE = 200;
/** Who is led further back than this many pages has a long way to read anyway. */
const PAGES = 25;

export function useTarget(place: Place, target: number | undefined, scroll: RefObject<Scroll | undefined>): void {
  const store = useStore();
  const live = place.live.value;
  useEffect(() => {
    if (target === undefined || !live) return undefined;
    let gone = false;
    void attempt(async () => {
      const found = await loadUpTo(store, place, target, () => gone);
      if (gone) return;
      // The lines that were just loaded are drawn first.
      requestAnimationFrame(() => {
        if (gone) return;
        if (found !== undefined && scroll.current?.toLine(found)) deskOf(place).flashed.value = found;
        else notify(t("timeline.no_such_line"), true);
      });
    });
    return () => {
      gone = true;
      deskOf(place).flashed.value = undefined;
    };
  }, [place, target, live]);
}

/** Load until a number is there; returns the number of the line there or, where none is shown, of the next one. */
async function loadUpTo(store: Store, place: Place, seq: number, gone: () => boolean): Promise<number | undefined> {
  for (let page = 0; page < PAGES && !gone(); page += 1) {
    const { lines, complete } = place.log.value;
    if (complete || (lines[0] && lines[0].seq <= seq)) break;
    await store.follower.older(place, PAGE);
  }
  const { lines } = place.log.value;
  return lines[0] && (lines[0].seq <= seq || place.log.value.complete) ? lines[position(lines, seq)]?.seq : undefined;
}
