/* The page's words in the visitor's language. Keys in the code are written out, so that a test finds each. */

import { computed, signal } from "@preact/signals";

import type { Failure } from "../api/failure.ts";

export type Values = Record<string, string | number>;

/** The present language's code, and its strings: who reads them is drawn again when they change. */
export const language = signal("en");
export const strings = signal<Record<string, string>>({});

/** The language as dates and numbers want it: with the visitor's own country, where the browser tells it. */
export const locale = computed(() => {
  const own = typeof navigator === "undefined" ? [] : navigator.languages;
  return own.find((tag) => tag.split("-")[0] === language.value) ?? language.value;
});

let plural = new Intl.PluralRules("en");

/** Speak another language from now on. */
export function speak(code: string, words: Record<string, string>): void {
  plural = new Intl.PluralRules(code);
  language.value = code;
  strings.value = words;
}

/** The string for `key` with its {names} filled in. */
export function t(key: string, values: Values = {}): string {
  const text = strings.value[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

/** The string for a number, in its plural form. */
export function n(key: string, count: number, values: Values = {}): string {
  const form = plural.select(count) === "one" ? "one" : "other";
  return t(`${key}.${form}`, { count: whole(count), ...values });
}

/** A number as people write it here. */
export function whole(count: number): string {
  return new Intl.NumberFormat(locale.value).format(count);
}

/** A network's name as people call it. */
export function networkName(network: string): string {
  return strings.value[`network.${network}`] ?? network;
}

/** What went wrong, for people: in their language where there is a string, else as the server says it. */
export function failureText(failure: Failure): string {
  return strings.value[`error.${failure.code}`] ?? failure.message;
}
