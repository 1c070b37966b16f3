/* The choice of a language, each in its own words. */

import { LANGUAGES } from "../../text/languages.ts";
import { language, t } from "../../text/strings.ts";
import { attempt } from "../../ui/notice.tsx";
import { useStore } from "../context.ts";

const NAMES: Record<string, string> = { en: "English", zh: "中文" };

/** What a language calls itself. */
export function languageName(code: string): string {
  return NAMES[code] ?? code;
}

export function Tongue() {
  const { preferences, session } = useStore();
  const choose = (code: string) =>
    attempt(() => preferences.choose({ language: code }, session.account.value !== undefined));
  return (
    <div class="tongue" role="group" aria-label={t("door.language")}>
      {LANGUAGES.map((code) => (
        <button key={code} type="button" lang={code} aria-pressed={code === language.value} onClick={() => choose(code)}>
          {languageName(code)}
        </button>
      ))}
    </div>
  );
}
