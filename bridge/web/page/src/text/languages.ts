/* Loading languages: each is a file of its own, and only the one that is wanted is fetched. */

import { speak } from "./strings.ts";

type Words = { default: Record<string, string> };

const LOADERS: Record<string, () => Promise<Words>> = {
  en: () => import("../strings/en.ts"),
  zh: () => import("../strings/zh.ts"),
};

/** Every language of the page. */
export const LANGUAGES = Object.keys(LOADERS);

/** Fetch a language and speak it; the document and the server learn of it. */
export async function use(code: string): Promise<void> {
  const load = LOADERS[code];
  if (!load) return;
  speak(code, (await load()).default);
  document.documentElement.lang = code;
}
