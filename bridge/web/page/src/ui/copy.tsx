/* A text to take along, with a button that copies it. */

import { useRef } from "preact/hooks";

import { t } from "../text/strings.ts";
import { Icon } from "./icon.tsx";
import { notify } from "./notice.tsx";

export function Copy({ text, label }: { text: string; label: string }) {
  const box = useRef<HTMLInputElement>(null);
  const copy = async () => {
    box.current?.select();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without a secure page there is no clipboard to write to: the selection is copied the old way.
      if (!document.execCommand("copy")) return;
    }
    notify(t("ui.copied"));
  };
  return (
    <div class="copy">
      <input readOnly value={text} aria-label={label} ref={box} onFocus={(event) => event.currentTarget.select()} />
      <button type="button" onClick={copy}>
        <Icon name="copy" />
        {t("ui.copy")}
      </button>
    </div>
  );
}
