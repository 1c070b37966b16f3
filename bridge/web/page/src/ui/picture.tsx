/* A picture that can be changed or taken away: one's own, or a room's. */

import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";

import { call, upload } from "../api/call.ts";
import { Failure } from "../api/failure.ts";
import { failureText, t } from "../text/strings.ts";
import { useAct } from "./act.ts";
import { FailureNote } from "./form.tsx";

interface Props {
  /** Where it is put and taken away, below /api/v1. */
  path: string;
  most: number;
  has: boolean;
  onDone(answer: unknown): void;
  /** The face as it is now. */
  children: ComponentChildren;
}

export function Picture({ path, most, has, onDone, children }: Props) {
  const act = useAct();
  const input = useRef<HTMLInputElement>(null);
  const choose = (file: File | undefined) =>
    act.run(async () => {
      if (!file) return;
      if (file.size > most) throw new Failure("too_large", `A picture may have ${most} bytes.`, { field: "avatar" });
      onDone(await upload(path, file));
    });
  return (
    <div class="portrait">
      {children}
      <div class="stack">
        {act.failure.value && <FailureNote words={failureText(act.failure.value)} />}
        <input
          ref={input}
          type="file"
          accept="image/png,image/jpeg,image/gif,image/webp"
          hidden
          aria-label={t("picture.choose")}
          onChange={(event) => {
            void choose(event.currentTarget.files?.[0]);
            event.currentTarget.value = "";
          }}
        />
        <div class="row">
          <button type="button" disabled={act.busy.value} onClick={() => input.current?.click()}>
            {t("picture.choose")}
          </button>
          {has && (
            <button type="button" class="quiet" disabled={act.busy.value} onClick={() => act.run(async () => onDone(await call("DELETE", path)))}>
              {t("picture.remove")}
            </button>
          )}
        </div>
        <p class="hint">{t("picture.hint")}</p>
      </div>
    </div>
  );
}
