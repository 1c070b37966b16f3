/* The frame of everything that comes before one is signed in: a card in the middle. */

import type { ComponentChildren } from "preact";

import { t } from "../../text/strings.ts";
import { Logo } from "../../ui/logo.tsx";
import { useStore } from "../context.ts";
import { useTitle } from "../title.ts";
import { Tongue } from "./tongue.tsx";

export function Door({ title, children }: { title: string; children: ComponentChildren }) {
  const server = useStore().session.server.value;
  useTitle(title);
  return (
    <main class="door">
      <div class="card">
        <div class="crest">
          <Logo />
          <h1>{title}</h1>
        </div>
        {children}
        <footer>
          {server && <p class="hint">{t("door.server", { server: server.server_name })}</p>}
          <Tongue />
        </footer>
      </div>
    </main>
  );
}
