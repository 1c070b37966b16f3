/* A labelled field, with its hint and with what is wrong with it. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

import { failureText } from "../text/strings.ts";
import type { Act } from "./act.ts";

interface Common {
  act: Act;
  /** The name that the API calls it, by which its failures are known. */
  name: string;
  label: string;
  hint?: string | undefined;
}

type InputProps = Common & {
  value: string;
  onValue(value: string): void;
  /** It is a password: not shown. */
  secret?: boolean;
  autoComplete: string;
  autoCapitalize?: "none";
  spellcheck?: boolean;
  required?: boolean;
  maxLength?: number;
  placeholder?: string;
  autoFocus?: boolean;
};

/** One line of text. */
export function Field({ act, name, label, hint, value, onValue, secret, ...more }: InputProps) {
  return (
    <Labelled act={act} name={name} label={label} hint={hint}>
      {(attributes) => {
        const all = { ...more, ...attributes, name, value };
        const input = (event: { currentTarget: HTMLInputElement }) => onValue(event.currentTarget.value);
        return secret ? <input type="password" {...all} onInput={input} /> : <input type="text" {...all} onInput={input} />;
      }}
    </Labelled>
  );
}

type ChoiceProps = Common & {
  value: string;
  options: { value: string; label: string }[];
  onValue(value: string): void;
  disabled?: boolean;
};

/** One of a few. */
export function Choice({ act, name, label, hint, value, options, onValue, disabled }: ChoiceProps) {
  return (
    <Labelled act={act} name={name} label={label} hint={hint}>
      {(attributes) => (
        <select {...attributes} name={name} value={value} disabled={disabled ?? false} onChange={(event) => onValue(event.currentTarget.value)}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Labelled>
  );
}

interface Attributes {
  id: string;
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
}

function Labelled({ act, name, label, hint, children }: Common & { children(attributes: Attributes): ComponentChildren }) {
  const id = useId();
  const failure = act.failure.value?.field === name ? act.failure.value : undefined;
  const described = [hint && `${id}-hint`, failure && `${id}-failure`].filter(Boolean).join(" ");
  const attributes: Attributes = { id };
  if (described) attributes["aria-describedby"] = described;
  if (failure) attributes["aria-invalid"] = true;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children(attributes)}
      {failure && (
        <p class="wrong" id={`${id}-failure`} role="alert">
          {failureText(failure)}
        </p>
      )}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** A box to tick. */
export function Check({ label, checked, onChecked }: { label: string; checked: boolean; onChecked(checked: boolean): void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChecked(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}
