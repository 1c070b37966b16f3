/* The ways out: leaving the room, putting it away, deleting it. */

import { useState } from "preact/hooks";

import { call } from "../../api/call.ts";
import type { Room } from "../../api/types.ts";
import { go } from "../../store/address.ts";
import { t } from "../../text/strings.ts";
import { Confirm } from "../../ui/confirm.tsx";
import { attempt, notify } from "../../ui/notice.tsx";
import { useStore } from "../context.ts";

export function End({ room }: { room: Room }) {
  const store = useStore();
  const [asked, setAsked] = useState<"leave" | "archive" | "delete" | undefined>(undefined);
  const path = `/rooms/${encodeURIComponent(room.id)}`;
  const archive = async (archived: boolean) => {
    store.places.put(await call<Room>("PATCH", path, { archived }));
    notify(t("ui.saved"));
  };
  const leave = async () => {
    await call("POST", `${path}/leave`, {});
    store.places.left(room.id);
    go("/rooms");
  };
  const remove = async () => {
    await call("DELETE", path);
    store.places.left(room.id);
    go("/rooms");
  };
  const close = () => setAsked(undefined);
  return (
    <div class="row wrap">
      <button type="button" onClick={() => setAsked("leave")}>
        {t("end.leave")}
      </button>
      {room.can.includes("archive") &&
        (room.archived ? (
          <button type="button" onClick={() => attempt(() => archive(false))}>
            {t("end.unarchive")}
          </button>
        ) : (
          <button type="button" onClick={() => setAsked("archive")}>
            {t("end.archive")}
          </button>
        ))}
      {room.can.includes("delete") && (
        <button type="button" class="bad" onClick={() => setAsked("delete")}>
          {t("end.delete")}
        </button>
      )}
      {asked === "leave" && (
        <Confirm title={t("end.leave")} action={t("end.leave")} onConfirm={leave} onClose={close}>
          <p>{room.access === "public" ? t("end.leave_public") : t("end.leave_private")}</p>
        </Confirm>
      )}
      {asked === "archive" && (
        <Confirm title={t("end.archive")} action={t("end.archive")} onConfirm={() => archive(true)} onClose={close}>
          <p>{t("end.archive_sure")}</p>
        </Confirm>
      )}
      {asked === "delete" && (
        <Confirm title={t("end.delete")} action={t("end.delete")} onConfirm={remove} onClose={close}>
          <p>{t("end.delete_sure", { room: room.name })}</p>
        </Confirm>
      )}
    </div>
  );
}
