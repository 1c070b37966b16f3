/* The page begins here. */

import { render } from "preact";

import type { Wire } from "./api/socket.ts";
import { bootData } from "./boot.ts";
import { watchAddress } from "./store/address.ts";
import { Store, showNews } from "./store/store.ts";
import { LANGUAGES, use } from "./text/languages.ts";
import { App } from "./views/app.tsx";
import { Provided } from "./views/context.ts";
import { title } from "./views/title.ts";
import "./rialto.svg";
import "./style/main.css";

async function start(): Promise<void> {
  const boot = bootData();
  await use(LANGUAGES.includes(boot.language) ? boot.language : "en");
  const store = new Store(boot.version, localStorage, dial);
  watchAddress();
  watchConnection(store);
  void store.session.load();
  if (boot.signedIn) store.connection.start();
  const root = document.getElementById("page");
  if (!root) throw new Error("the document has no place for the page");
  root.replaceChildren();
  render(
    <Provided value={store}>
      <App />
    </Provided>,
    root,
  );
  showNews(store, () => (title.value ? `${title.value} · Rialto` : "Rialto"));
}

function dial(): Wire {
  const address = new URL("/api/v1/socket", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(address) as Wire;
}

/** Try again as soon as there is a reason to. */
function watchConnection(store: Store): void {
  const nudge = () => {
    store.connection.nudge();
    void store.session.load();
  };
  addEventListener("online", nudge);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && nudge());
}

void start();
