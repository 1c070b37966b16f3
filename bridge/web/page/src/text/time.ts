/* Times as people read them, in their own zone. */

import { locale, t } from "./strings.ts";

type Form = "clock" | "whole" | "weekday" | "longAgo" | "date";

const FORMS: Record<Form, Intl.DateTimeFormatOptions> = {
  clock: { hour: "2-digit", minute: "2-digit" },
  whole: { dateStyle: "full", timeStyle: "medium" },
  weekday: { weekday: "long", month: "long", day: "numeric" },
  longAgo: { year: "numeric", month: "long", day: "numeric" },
  date: { dateStyle: "medium", timeStyle: "short" },
};

const made = new Map<string, Intl.DateTimeFormat>();

function format(form: Form, at: number): string {
  const key = `${locale.value} ${form}`;
  let formatter = made.get(key);
  if (!formatter) made.set(key, (formatter = new Intl.DateTimeFormat(locale.value, FORMS[form])));
  return formatter.format(at);
}

/** The hour, as it stands beside a line. */
export const clock = (at: number): string => format("clock", at);

/** Day and time in full. */
export const fullTime = (at: number): string => format("whole", at);

/** Day and time, short. */
export const shortTime = (at: number): string => format("date", at);

/** A name for the day of `at` that two times share when they are on the same day here. */
export function dayKey(at: number): string {
  return new Date(at).toDateString();
}

/** The day of `at` as a heading, seen from `now`. */
export function dayName(at: number, now: number = Date.now()): string {
  const date = new Date(at);
  const today = new Date(now);
  if (dayKey(at) === dayKey(now)) return t("time.today");
  const before = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (date.toDateString() === before.toDateString()) return t("time.yesterday");
  return format(date.getFullYear() === today.getFullYear() ? "weekday" : "longAgo", at);
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** How long ago (or ahead) `at` is: "3 hours ago". */
export function ago(at: number, now: number = Date.now()): string {
  const relative = new Intl.RelativeTimeFormat(locale.value, { numeric: "auto" });
  for (const [unit, length] of UNITS) {
    if (Math.abs(at - now) >= length) return relative.format(Math.trunc((at - now) / length), unit);
  }
  return relative.format(0, "minute");
}
