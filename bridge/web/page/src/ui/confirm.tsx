/* A question before something that cannot be undone. */

import type { ComponentChildren } from "preact";

import { failureText, t } from "../text/strings.ts";
import { useAct } from "./act.ts";
import { Dialog } from "./dialog.tsx";
import { FailureNote } from "./form.tsx";

interface Props {
  title: string;
  /** What the button that does it says. */
  action: string;
  onConfirm(): Promise<unknown>;
  onClose(): void;
  /** It does no harm. */
  harmless?: boolean;
  children: ComponentChildren;
}

export function Confirm({ title, action, onConfirm, onClose, harmless, children }: Props) {
  const act = useAct();
  const failure = act.failure.value;
  const confirm = async () => {
    if (await act.run(onConfirm)) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {failure && <FailureNote words={failureText(failure)} />}
      {children}
      <div class="row end">
        <button type="button" onClick={onClose}>
          {t("ui.cancel")}
        </button>
        <button type="button" class={harmless ? "main" : "main bad"} disabled={act.busy.value} onClick={confirm}>
          {action}
        </button>
      </div>
    </Dialog>
  );
}
