/* What may be done with a line: edit, take back, take along its address. */

import { useState } from "preact/hooks";

import { newId } from "../../api/ids.ts";
import type { Line } from "../../api/types.ts";
import type { Place } from "../../store/place.ts";
import { roomPath } from "../../store/route.ts";
import type { Store } from "../../store/store.ts";
import { t } from "../../text/strings.ts";
import { Icon } from "../../ui/icon.tsx";
import { attempt, notify } from "../../ui/notice.tsx";
import { deskOf } from "./desk.ts";

interface Props {
  line: Line;
  own: boolean;
  moderates: boolean;
  place: Place;
  store: Store;
}

export function Tools({ line, own, moderates, place, store }: Props) {
  const [sure, setSure] = useState(false);
  const [open, setOpen] = useState(false);
  const may = { edit: own && place.can("edit_own"), remove: own ? place.can("remove_own") : moderates };
  const remove = () => {
    if (!sure) return setSure(true);
    setOpen(false);
    return void attempt(() => store.connection.request("remove", { room: place.id, client_id: newId(), target: line.id }));
  };
  const leave = (event: FocusEvent) => {
    const inside = event.relatedTarget instanceof Element && event.relatedTarget.closest(".line-row") === (event.currentTarget as Element).closest(".line-row");
    if (inside) return;
    setOpen(false);
    setSure(false);
  };
  return (
    <>
      {/* Fingers do not hover. */}
      <button type="button" class="plain tools-open" aria-label={t("line.tools")} aria-expanded={open} onClick={() => setOpen(!open)} onBlur={leave}>
        <Icon name="more" />
      </button>
      <div class={open ? "tools open" : "tools"} onMouseLeave={() => setSure(false)} onFocusOut={leave}>
        {may.edit && (
          <button
            type="button"
            onClick={() => {
              setOpen(false);
              deskOf(place).editing.value = line;
            }}
          >
            <Icon name="edit" />
            {t("line.edit")}
          </button>
        )}
        {may.remove && (
          <button type="button" class={sure ? "sure" : undefined} onClick={remove}>
            <Icon name="trash" />
            {sure ? t("line.remove_sure") : t("line.remove")}
          </button>
        )}
        <button type="button" aria-label={t("line.link")} title={t("line.link")} onClick={() => void copyLink(place, line)}>
          <Icon name="link" />
        </button>
      </div>
    </>
  );
}

async function copyLink(place: Place, line: Line): Promise<void> {
  const address = location.origin + roomPath(place.id, line.seq);
  try {
    await navigator.clipboard.writeText(address);
    notify(t("ui.copied"));
  } catch {
    // Without a secure page there is no clipboard: the address itself is shown.
    notify(address);
  }
}
