/* Who is typing. */

import type { Place } from "../../store/place.ts";
import { t } from "../../text/strings.ts";
import { useStore } from "../context.ts";

export function TypingLine({ place }: { place: Place }) {
  const me = useStore().session.person;
  const names = place.typing.value.filter((person) => person.id !== me).map((person) => person.name);
  return (
    <p class="typing" aria-live="off">
      {names.length > 0 && (
        <>
          <span class="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          <span class="ellipsis">{words(names)}</span>
        </>
      )}
    </p>
  );
}

function words(names: string[]): string {
  const [a = "", b = ""] = names;
  if (names.length === 1) return t("typing.one", { a });
  return names.length === 2 ? t("typing.two", { a, b }) : t("typing.many");
}
