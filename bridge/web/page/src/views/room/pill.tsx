/* The way back to the newest line, with how many there are that were not in view yet. */

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

import type { Place } from "../../store/place.ts";
import { n, t } from "../../text/strings.ts";
import { Icon } from "../../ui/icon.tsx";
import { useStore } from "../context.ts";
import type { Scroll } from "./scroll.ts";

export function Pill({ place, scroll }: { place: Place; scroll: RefObject<Scroll | undefined> }) {
  const me = useStore().session.person;
  const stuck = scroll.current?.stuck.value ?? true;
  const lines = place.log.value.lines;
  const end = lines.at(-1)?.seq ?? 0;
  /** The newest line when the end was in view. */
  const known = useSignal(end);
  useEffect(() => {
    if (stuck) known.value = end;
  }, [stuck, end]);
  if (stuck) return null;
  const unseen = known.value ? lines.filter((line) => line.seq > known.value && line.kind === "said" && line.who.id !== me).length : 0;
  return (
    <button type="button" class="pill" id="pill" aria-label={unseen ? `${n("timeline.new", unseen)}. ${t("timeline.latest")}` : t("timeline.latest")} onClick={() => scroll.current?.toEnd()}>
      {unseen > 0 && <span>{n("timeline.new", unseen)}</span>}
      <Icon name="down" />
    </button>
  );
}
