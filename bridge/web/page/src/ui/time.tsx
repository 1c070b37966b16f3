/* Times, told in full to those who point at them. */

import { ago, clock, fullTime, shortTime } from "../text/time.ts";

const FORMS = { clock, short: shortTime, ago };

export function Time({ at, form = "clock", class: kind }: { at: number; form?: keyof typeof FORMS; class?: string }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={fullTime(at)} class={kind}>
      {FORMS[form](at)}
    </time>
  );
}
