/* Theme, density and language: they go with the account to every screen. */

import type { Density, Theme } from "../../api/types.ts";
import { LANGUAGES } from "../../text/languages.ts";
import { language, t } from "../../text/strings.ts";
import { useAct } from "../../ui/act.ts";
import { Choice } from "../../ui/field.tsx";
import { attempt } from "../../ui/notice.tsx";
import { useStore } from "../context.ts";
import { languageName } from "../doors/tongue.tsx";

export function Looks() {
  const { preferences } = useStore();
  const act = useAct();
  const settings = preferences.settings.value;
  return (
    <div class="columns">
      <Choice
        act={act}
        name="theme"
        label={t("looks.theme")}
        value={settings.theme ?? document.documentElement.dataset.theme ?? "auto"}
        onValue={(theme) => attempt(() => preferences.choose({ theme: theme as Theme }, true))}
        options={[
          { value: "auto", label: t("looks.auto") },
          { value: "light", label: t("looks.light") },
          { value: "dark", label: t("looks.dark") },
        ]}
      />
      <Choice
        act={act}
        name="density"
        label={t("looks.density")}
        value={settings.density ?? document.documentElement.dataset.density ?? "cosy"}
        onValue={(density) => attempt(() => preferences.choose({ density: density as Density }, true))}
        options={[
          { value: "cosy", label: t("looks.cosy") },
          { value: "compact", label: t("looks.compact") },
        ]}
      />
      <Choice
        act={act}
        name="language"
        label={t("looks.language")}
        value={language.value}
        onValue={(code) => attempt(() => preferences.choose({ language: code }, true))}
        options={LANGUAGES.map((code) => ({ value: code, label: languageName(code) }))}
      />
    </div>
  );
}
