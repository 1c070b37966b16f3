/* The title of the tab: the view's own, and before it how much is new. */

import { signal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";

export const title = signal("");

export function useTitle(words: string): void {
  useLayoutEffect(() => {
    title.value = words;
  }, [words]);
}
