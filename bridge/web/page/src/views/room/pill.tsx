/* The way back to the newest line, with how many there are that were not in view yet. */

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import type { Place } from "../../store/place.ts";
import { n, t } from "../../text/strings.ts";
import { Icon } from "../../ui/icon.tsx";
import { useStore } from "../context.ts";

export function Pill({ place, stuck: signal, onLatest }: { place: Place; stuck: Signal<boolean>; onLatest(): void }) {
  const me = useStore().session.person;
  const stuck = signal.value;
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
    <button type="button" class="pill" id="pill" aria-label={unseen ? `${n("timeline.new", unseen)}. ${t("timeline.latest")}` : t("timeline.latest")} onClick={onLatest}>
      {unseen > 0 && <span>{n("timeline.new", unseen)}</span>}
      <Icon name="down" />
    </button>
  );
}
