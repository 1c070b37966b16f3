/* A short word at the edge of the page that goes by itself: something was done, or could not be. */

import { signal } from "@preact/signals";

import { asFailure } from "../api/failure.ts";
import { failureText } from "../text/strings.ts";

const SHOWN_MS = 6_000;
const present = signal<{ words: string; bad: boolean } | undefined>(undefined);
let timer: ReturnType<typeof setTimeout> | undefined;

/** Say something. */
export function notify(words: string, bad = false): void {
  clearTimeout(timer);
  present.value = { words, bad };
  timer = setTimeout(() => (present.value = undefined), SHOWN_MS);
}

/** Do something that was asked for with one press, and say so if it fails. Returns whether it succeeded. */
export async function attempt(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    notify(failureText(asFailure(error)), true);
    return false;
  }
}

export function Notices() {
  const notice = present.value;
  return (
    <div class="notices" role="status">
      {notice && <p class={notice.bad ? "notice bad" : "notice"}>{notice.words}</p>}
    </div>
  );
}
