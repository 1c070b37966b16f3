/* A form whose failure is told at the field that it names, or else above all fields. */

import type { ComponentChildren } from "preact";

import { failureText } from "../text/strings.ts";
import type { Act } from "./act.ts";

interface Props {
  act: Act;
  /** The fields of the form: their failures are shown by themselves. */
  fields?: string[];
  onSubmit(): Promise<unknown>;
  onDone?(): void;
  class?: string;
  label?: string;
  children: ComponentChildren;
}

export function Form({ act, fields = [], onSubmit, onDone, children, label, ...more }: Props) {
  const failure = act.failure.value;
  const submit = async (event: Event) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    if (await act.run(onSubmit)) onDone?.();
    else form.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  };
  return (
    <form class={more.class ?? "stack"} onSubmit={submit} aria-label={label || undefined} aria-busy={act.busy.value} noValidate={false}>
      {failure && !fields.includes(failure.field ?? "") && <FailureNote words={failureText(failure)} />}
      {children}
    </form>
  );
}

/** What went wrong, read out at once. */
export function FailureNote({ words }: { words: string }) {
  return (
    <p class="failure" role="alert">
      {words}
    </p>
  );
}
