/* Which view belongs to the address, and to who is looking. */

import { useLayoutEffect } from "preact/hooks";

import { go, route } from "../store/address.ts";
import type { Route } from "../store/route.ts";
import { t } from "../text/strings.ts";
import { Notices } from "../ui/notice.tsx";
import { AccountPage } from "./account/account.tsx";
import { Admin } from "./admin/admin.tsx";
import { useStore } from "./context.ts";
import { Directory } from "./directory.tsx";
import { Invite } from "./doors/invite.tsx";
import { Login } from "./doors/login.tsx";
import { Signup } from "./doors/signup.tsx";
import { TicketDoor } from "./doors/ticket.tsx";
import { following } from "./doors/enter.ts";
import { Frame } from "./frame/frame.tsx";
import { Page } from "./page.tsx";
import { RoomView } from "./room/room.tsx";
import { Rooms } from "./rooms.tsx";
import { RoomSettings } from "./settings/settings.tsx";

export function App() {
  return (
    <>
      <View />
      <Notices />
    </>
  );
}

function View() {
  const { connection } = useStore();
  const here = route.value;
  const inside = connection.phase.value !== "off";
  switch (here.view) {
    case "invite":
      return <Invite token={here.token} />;
    case "ticket":
      return <TicketDoor token={here.token} />;
    case "login":
      return inside ? <Onward to={following()} /> : <Login />;
    case "signup":
      return inside ? <Onward to={following()} /> : <Signup />;
    case "start":
      return <Onward to={inside ? "/rooms" : "/login"} />;
    default:
      if (!inside) return <Onward to={`/login?next=${encodeURIComponent(location.pathname + location.search)}`} />;
      return (
        <Frame>
          <Inside here={here} />
        </Frame>
      );
  }
}

function Inside({ here }: { here: Route }) {
  switch (here.view) {
    case "room":
      return here.tab === "settings" ? <RoomSettings key={here.room} id={here.room} /> : <RoomView key={here.room} id={here.room} seq={here.seq} />;
    case "rooms":
      return <Rooms />;
    case "directory":
      return <Directory />;
    case "account":
      return <AccountPage />;
    case "admin":
      return <Admin />;
    default:
      return <Nowhere />;
  }
}

/** Go elsewhere instead: what was asked for is not for this visitor, or not any more. */
function Onward({ to }: { to: string }) {
  useLayoutEffect(() => go(to, { replace: true }), [to]);
  return null;
}

function Nowhere() {
  return (
    <Page title={t("nowhere.title")}>
      <div class="state">
        <p>{t("error.not_found")}</p>
        <a class="button main" href="/rooms">
          {t("rooms.title")}
        </a>
      </div>
    </Page>
  );
}
