/* What somebody said: who, when, the words, what may be done with them and, for one's own, what became of them. */

import { judge } from "../../store/ticks.ts";
import { Face } from "../../ui/face.tsx";
import { Network } from "../../ui/network.tsx";
import { Time } from "../../ui/time.tsx";
import { hue } from "../../text/people.ts";
import type { LineProps } from "./line.tsx";
import { TickMark } from "./tick_mark.tsx";
import { Tools } from "./tools.tsx";
import { Words } from "./words.tsx";

export function Said({ line, first, own, moderates, picture, place, store }: LineProps) {
  const tick = own && !line.removed ? judge(line.deliveries) : undefined;
  return (
    <div class="line-row">
      <div class="gutter">{first ? <Face id={line.who.id} name={line.who.name} picture={picture} /> : <Time at={line.at} />}</div>
      <div class="line-body">
        {first && (
          <div class="line-head">
            <span class={`name hue-${hue(line.who.id)}`}>{line.who.name}</span>
            <Network of={line.who.network} />
            <Time at={line.at} />
          </div>
        )}
        <Words line={line} />
        {tick?.mark === "failed" && <p class="why">{tick.words}</p>}
      </div>
      <div class="line-end">{tick && <TickMark tick={tick} />}</div>
      {!line.removed && <Tools line={line} own={own} moderates={moderates} place={place} store={store} />}
    </div>
  );
}
