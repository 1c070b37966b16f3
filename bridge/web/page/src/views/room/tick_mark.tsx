/* The small mark behind one's own line. */

import type { Tick } from "../../store/ticks.ts";
import { Icon } from "../../ui/icon.tsx";

export function TickMark({ tick }: { tick: Tick }) {
  return (
    <span class={`tick ${tick.mark}`} title={tick.words} role="img" aria-label={tick.words}>
      <Icon name={tick.mark} />
    </span>
  );
}
