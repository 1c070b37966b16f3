/* One line of the log, by its kind, under the day and the mark that may stand over it. */

import type { Line } from "../../api/types.ts";
import type { Place } from "../../store/place.ts";
import type { Store } from "../../store/store.ts";
import { t } from "../../text/strings.ts";
import { dayName } from "../../text/time.ts";
import { Said } from "./said.tsx";
import { System } from "./system.tsx";

export interface LineProps {
  line: Line;
  day: boolean;
  first: boolean;
  fresh: boolean;
  own: boolean;
  /** Whether the visitor may remove other people's lines. */
  moderates: boolean;
  picture: string;
  place: Place;
  store: Store;
  flashed: boolean;
}

export function LineItem(props: LineProps) {
  const { line, day, fresh, first, own, flashed } = props;
  const said = line.kind === "said";
  const kind = ["line", said ? "said" : `system ${line.kind}`, first && "first", own && said && "own", flashed && "flashed"];
  return (
    <li class={kind.filter(Boolean).join(" ")} data-seq={line.seq}>
      {day && (
        <div class="day">
          <span>{dayName(line.at)}</span>
        </div>
      )}
      {fresh && (
        <div class="fresh" id="new-line">
          <span>{t("timeline.fresh")}</span>
        </div>
      )}
      {said ? <Said {...props} /> : <System line={line} place={props.place} />}
    </li>
  );
}
