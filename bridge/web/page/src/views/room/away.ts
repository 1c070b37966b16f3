/* Who looks elsewhere for a while finds the mark of what is new where they left. */

import { useEffect } from "preact/hooks";

import type { Place } from "../../store/place.ts";

export function useAway(place: Place): void {
  useEffect(() => {
    const leave = () => {
      const last = place.log.value.lines.at(-1)?.seq;
      const marker = place.room.value?.marker ?? 0;
      // What is unread already keeps its mark.
      if (last !== undefined && marker >= last) place.newAfter.value = last;
    };
    const hidden = () => document.visibilityState === "hidden" && leave();
    addEventListener("blur", leave);
    document.addEventListener("visibilitychange", hidden);
    return () => {
      removeEventListener("blur", leave);
      document.removeEventListener("visibilitychange", hidden);
    };
  }, [place]);
}
