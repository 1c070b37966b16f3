/* The frame of everything beside the rooms' lines: a heading, and what is under it. */

import type { ComponentChildren } from "preact";

import { t } from "../text/strings.ts";
import { Icon } from "../ui/icon.tsx";
import { MenuButton } from "./frame/menu_button.tsx";
import { useTitle } from "./title.ts";

interface Props {
  title: string;
  /** Where the way back leads. */
  back?: string;
  children: ComponentChildren;
}

export function Page({ title, back, children }: Props) {
  useTitle(title);
  return (
    <main class="page" id="main" tabIndex={-1}>
      <header class="head">
        {back ? (
          <a class="plain" href={back} aria-label={t("ui.back")}>
            <Icon name="back" />
          </a>
        ) : (
          <MenuButton />
        )}
        <h1>{title}</h1>
      </header>
      <div class="sheet">{children}</div>
    </main>
  );
}

/** One part of a page, under its own heading. */
export function Section({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="panel" aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}
