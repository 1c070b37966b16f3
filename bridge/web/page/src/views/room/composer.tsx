/* Where one writes: Enter sends, Shift+Enter is a new line, the up arrow edits one's last line, Escape gives up. */

import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { asFailure } from "../../api/failure.ts";
import { newId } from "../../api/ids.ts";
import type { Line, Room } from "../../api/types.ts";
import type { Place } from "../../store/place.ts";
import { read, tooLong } from "../../store/typed.ts";
import { failureText, t } from "../../text/strings.ts";
import { Icon } from "../../ui/icon.tsx";
import { useStore } from "../context.ts";
import { deskOf } from "./desk.ts";

export function Composer({ place, room }: { place: Place; room: Room }) {
  const store = useStore();
  const { editing } = deskOf(place);
  const box = useRef<HTMLTextAreaElement>(null);
  const failure = useSignal("");
  const [text, setText] = useState(() => store.drafts.get(place.id));
  const edited = editing.value;
  const mute = !room.can.includes("say");

  useLayoutEffect(() => grow(box.current), [text]);
  useEffect(() => {
    if (matchMedia("(pointer: fine)").matches) box.current?.focus({ preventScroll: true });
  }, [place]);
  useEffect(() => {
    if (!edited) return;
    setText(source(edited));
    failure.value = "";
    box.current?.focus();
  }, [edited]);

  const change = (typed: string) => {
    setText(typed);
    failure.value = "";
    if (edited) return;
    store.drafts.set(place.id, typed);
    if (typed.trim()) store.typing.typed(place.id);
    else store.typing.stopped();
  };
  const stopEditing = () => {
    editing.value = undefined;
    failure.value = "";
    setText(store.drafts.get(place.id));
    box.current?.focus();
  };
  const submit = () => {
    const typed = read(text);
    if (!typed || mute) return;
    if (tooLong(typed.text, store.session.limits.text_bytes)) failure.value = t("composer.too_long");
    else if (edited) void edit(edited, typed.text);
    else {
      store.outbox(place).add(typed.text, typed.style);
      store.drafts.set(place.id, "");
      store.typing.stopped();
      setText("");
    }
    box.current?.focus();
  };
  const edit = async (line: Line, words: string) => {
    const target = { room: place.id, client_id: newId(), target: line.id, text: line.content.style === "emote" ? words.replace(/^\/me\s+/, "") : words };
    try {
      await store.connection.request("edit", target);
      stopEditing();
    } catch (error) {
      failure.value = failureText(asFailure(error));
    }
  };
  const key = (event: KeyboardEvent) => {
    // While an input method composes (or has just ended: key code 229), Enter chooses a word.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      if (edited) stopEditing();
      else store.reading.readAll(place);
    } else if (event.key === "ArrowUp" && !text) {
      const line = newestOwn(place, store.session.person);
      if (!line) return;
      event.preventDefault();
      editing.value = line;
    }
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {edited && (
        <p class="editing">
          <Icon name="edit" />
          <span>{t("composer.editing")}</span>
          <button type="button" class="link" onClick={stopEditing}>
            {t("ui.cancel")}
          </button>
        </p>
      )}
      {failure.value && (
        <p class="failure" role="alert" id="composer-failure">
          {failure.value}
        </p>
      )}
      <div class="composer-row">
        <textarea
          ref={box}
          id="write"
          rows={1}
          value={text}
          disabled={mute}
          placeholder={mute ? whyMute(room) : t("composer.write", { room: room.name })}
          aria-label={t("composer.label")}
          aria-describedby={failure.value ? "composer-failure" : undefined}
          enterkeyhint="send"
          onInput={(event) => change(event.currentTarget.value)}
          onKeyDown={key}
          onBlur={() => store.typing.stopped()}
        />
        <button class="send" aria-label={edited ? t("composer.save") : t("composer.send")} disabled={mute || !text.trim()}>
          <Icon name={edited ? "logged" : "send"} />
        </button>
      </div>
    </form>
  );
}

function whyMute(room: Room): string {
  if (room.archived) return t("composer.archived");
  return room.role === "muted" ? t("composer.muted") : t("composer.not_allowed");
}

/** What was typed to make a line. */
function source(line: Line): string {
  const text = line.content.text ?? "";
  return line.content.style === "emote" ? `/me ${text}` : text;
}

/** The newest of the visitor's own lines that can still be edited. */
function newestOwn(place: Place, me: string): Line | undefined {
  if (!place.can("edit_own")) return undefined;
  return place.log.value.lines.findLast((line) => line.kind === "said" && line.who.id === me && !line.removed);
}

function grow(box: HTMLTextAreaElement | null): void {
  if (!box) return;
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}
