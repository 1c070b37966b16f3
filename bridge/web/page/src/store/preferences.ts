/* The visitor's choices: theme, language, density. The server keeps them, and a cookie for the next page's first look. */

import { signal } from "@preact/signals";

import { call } from "../api/call.ts";
import type { Settings } from "../api/types.ts";
import { LANGUAGES, use } from "../text/languages.ts";
import { language } from "../text/strings.ts";

const YEAR = 31_536_000;

export class Preferences {
  readonly settings = signal<Settings>({});

  /** Take what the server keeps, and let the page look like it. */
  take(settings: Settings): void {
    this.settings.value = settings;
    if (settings.theme) wear("theme", settings.theme);
    if (settings.density) wear("density", settings.density);
    if (settings.language) void this.speak(settings.language);
  }

  /** Change one choice; with `keep` (the visitor is signed in) the server is told. Throws `Failure`. */
  async choose(change: Settings, keep: boolean): Promise<void> {
    const settings = { ...this.settings.value, ...change };
    this.take(settings);
    if (keep) await call("PUT", "/account/settings", { settings });
  }

  /** Speak a language, if the page knows it. */
  async speak(code: string): Promise<void> {
    if (!LANGUAGES.includes(code)) return;
    remember("lang", code);
    if (code !== language.value) await use(code);
  }
}

/** Show a choice on the document, and let the server know it for the next time. */
function wear(name: "theme" | "density", value: string): void {
  document.documentElement.dataset[name] = value;
  remember(name, value);
}

function remember(name: string, value: string): void {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `rialto_${name}=${encodeURIComponent(value)}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
}
