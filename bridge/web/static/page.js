/* What the server put into the page, and its strings in the visitor's language. */

export const page = JSON.parse(document.getElementById("page-data").textContent);

/** The string for `key` with its {names} filled in. */
export function t(key, values = {}) {
  const text = page.strings[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

const plural = new Intl.PluralRules(page.language);

/** The string for a number, in its plural form. */
export function n(key, count) {
  return t(`${key}.${plural.select(count) === "one" ? "one" : "other"}`, { count });
}

/** A network's name as people call it. */
export function networkName(network) {
  return page.strings[`network.${network}`] ?? network;
}

/** What went wrong, for people: in their language where there is a string, else as the server says it. */
export function failureText(error) {
  return page.strings[`error.${error.code}`] ?? error.message;
}

const clock = new Intl.DateTimeFormat(page.language, { hour: "2-digit", minute: "2-digit" });
const whole = new Intl.DateTimeFormat(page.language, { dateStyle: "full", timeStyle: "medium" });
const weekday = new Intl.DateTimeFormat(page.language, { weekday: "long", month: "long", day: "numeric" });
const longAgo = new Intl.DateTimeFormat(page.language, { year: "numeric", month: "long", day: "numeric" });

/** A <time> that shows the hour and tells the whole date. */
export function timeElement(at) {
  const made = document.createElement("time");
  const date = new Date(at);
  made.dateTime = date.toISOString();
  made.textContent = clock.format(date);
  made.title = whole.format(date);
  return made;
}

/** A name for the day of `at` that two times share when they are on the same day here. */
export function dayKey(at) {
  return new Date(at).toDateString();
}

/** The day of `at` as a heading. */
export function dayName(at) {
  const date = new Date(at);
  const now = new Date();
  if (dayKey(date) === dayKey(now)) return t("chat.today");
  const before = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (dayKey(date) === dayKey(before)) return t("chat.yesterday");
  return (date.getFullYear() === now.getFullYear() ? weekday : longAgo).format(date);
}
