/* A line about the room itself: who came, went, changed something. */

import type { Content, Line } from "../../api/types.ts";
import type { Place } from "../../store/place.ts";
import { n, networkName, strings, t } from "../../text/strings.ts";
import { Time } from "../../ui/time.tsx";

export function System({ line, place }: { line: Line; place: Place }) {
  return (
    <div class="line-row">
      <div class="gutter" />
      <div class="line-body">
        <div class="content">
          {told(line, place)} <Time at={line.at} class="mark" />
        </div>
      </div>
    </div>
  );
}

function told(line: Line, place: Place): string {
  const name = line.who.name;
  const content = line.content;
  switch (line.kind) {
    case "joined":
      return t("system.joined", { name: content.name || name });
    case "left":
      return departed(name, content, place);
    case "profiled":
      return content.was ? t("system.renamed", { was: content.was, name: content.name ?? name }) : t("system.new_picture", { name: content.name ?? name });
    case "described":
      return described(name, content).join(" · ");
    case "configured":
      return configured(name, content).join(" · ");
    case "ranked":
      return t("system.ranked", { name, person: content.name || nameOf(place, content.person), role: roleName(content.role) });
    case "told":
      return ours(content);
    default:
      return t("system.unknown");
  }
}

function departed(name: string, content: Content, place: Place): string {
  const reason = content.reason ? t("system.reason", { reason: content.reason }) : "";
  if (content.how === "banned") return t("system.banned", { name }) + reason;
  if (content.how !== "kicked") return t("system.left", { name });
  const by = content.by ? nameOf(place, content.by) : "";
  return (by ? t("system.kicked_by", { name, by }) : t("system.kicked", { name })) + reason;
}

function described(name: string, { name: room, topic, avatar }: Content): string[] {
  const said: string[] = [];
  if (room !== undefined) said.push(t("system.named", { name, room }));
  if (topic) said.push(t("system.topic", { name, topic }));
  if (topic === "") said.push(t("system.no_topic", { name }));
  if (avatar !== undefined) said.push(t("system.picture", { name }));
  return said;
}

function configured(name: string, { access, history, slow_seconds: slow, archived }: Content): string[] {
  const said: string[] = [];
  if (access !== undefined) said.push(access === "public" ? t("system.made_public", { name }) : t("system.made_private", { name }));
  if (history !== undefined) said.push(history === "all" ? t("system.history_all", { name }) : t("system.history_joined", { name }));
  if (slow !== undefined) said.push(slow ? n("system.slow", slow, { name }) : t("system.not_slow", { name }));
  if (archived !== undefined) said.push(archived ? t("system.archived", { name }) : t("system.unarchived", { name }));
  return said;
}

function ours({ key, values = {} }: Content): string {
  const text = `told.${key ?? ""}`;
  if (!(text in strings.value)) return t("system.unknown");
  return t(text, values.network ? { ...values, network: networkName(values.network) } : values);
}

/** A role's name. */
export function roleName(role: string | undefined): string {
  return strings.value[`role.${role}`] ?? role ?? "";
}

function nameOf(place: Place, person: string | undefined): string {
  return place.members.value.find((member) => member.id === person)?.name ?? t("system.somebody");
}
