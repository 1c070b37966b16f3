/* The shapes of the API, as docs/api.md tells them. Times are UTC in milliseconds; pictures are paths on this server, or "". */

export type Role = "owner" | "moderator" | "member" | "muted" | "guest";
export type Access = "public" | "invite" | "direct";
export type History = "all" | "joined";

export interface Account {
  id: string;
  /** What one signs in with; a guest has none. */
  name: string;
  display_name: string;
  person: string;
  admin: boolean;
  avatar: string;
  kind?: "full" | "guest";
}

export interface Limits {
  text_bytes: number;
  name_chars: number;
  topic_chars: number;
  display_name_chars: number;
  avatar_bytes: number;
  /** The least that a password has. */
  password_chars: number;
}

export interface Server {
  name: string;
  server_name: string;
  version: string;
  signup: "open" | "invite" | "closed";
  guests: boolean;
  oidc: { id: string; title: string }[];
  matrix: { password: boolean; sso: boolean };
  languages: string[];
  limits: Limits;
}

export interface Link {
  network: string;
  state: string;
  address: string;
}

export interface Other {
  id: string;
  name: string;
  avatar: string;
}

export interface Room {
  id: string;
  slug: string;
  name: string;
  topic: string;
  avatar: string;
  alias: string;
  access: Access;
  history: History;
  slow_seconds: number;
  archived: boolean;
  joined: boolean;
  role: Role | null;
  members: number;
  links: Link[];
  last_seq: number;
  marker: number;
  unread: number;
  mentions: number;
  can: string[];
  direct_with?: Other;
}

export interface Badge {
  last_seq: number;
  marker: number;
  unread: number;
  mentions: number;
}

export interface Member {
  id: string;
  name: string;
  network: string;
  role: Role;
  avatar: string;
}

export interface Delivery {
  link: string;
  network: string;
  part: number;
  state: string;
  reason?: string;
  remote_id?: string;
}

export interface Who {
  id: string;
  name: string;
  network: string;
}

/** What a line says, by its kind: the fields of the others are missing. */
export interface Content {
  text?: string;
  html?: string;
  style?: Style;
  name?: string;
  was?: string;
  topic?: string;
  avatar?: string | boolean;
  how?: "left" | "kicked" | "banned";
  by?: string;
  reason?: string;
  access?: Access;
  history?: History;
  slow_seconds?: number;
  archived?: boolean;
  person?: string;
  role?: Role;
  key?: string;
  values?: Record<string, string>;
}

export type Style = "text" | "notice" | "emote";

export interface Line {
  seq: number;
  id: string;
  kind: string;
  who: Who;
  at: number;
  content: Content;
  edited_at?: number;
  removed?: boolean;
  deliveries: Delivery[];
}

export interface Status {
  network: string;
  health: "starting" | "up" | "down" | "paused" | "stopped";
  since: number;
}

export interface Settings {
  theme?: Theme;
  language?: string;
  density?: Density;
}

export type Theme = "auto" | "light" | "dark";
export type Density = "cosy" | "compact";

/** What the server answers to `hello`. */
export interface Welcome {
  session: string;
  account: Account;
  rooms: Room[];
  statuses: Status[];
  settings: Settings;
  page: string;
  ping_seconds: number;
}

/** A frame that the server sends by itself. */
export type Frame =
  | { ev: "line"; room: string; seq: number; line: Line }
  | { ev: "amended"; room: string; line: Line }
  | { ev: "delivery"; room: string; seq: number; delivery: Delivery }
  | { ev: "live"; room: string; seq: number }
  | { ev: "reset"; room: string }
  | { ev: "behind"; room: string }
  | { ev: "room"; room: Partial<Room> & { id: string } }
  | ({ ev: "badge"; room: string } & Badge)
  | { ev: "members"; room: string; members: Member[] }
  | { ev: "member"; room: string; member?: Member; left?: string }
  | { ev: "marker"; room: string; person?: string; seq: number }
  | { ev: "typing"; room: string; people: { id: string; name: string }[] }
  | ({ ev: "status" } & Status)
  | { ev: "rooms"; joined?: Room; left?: string }
  | { ev: "settings"; settings: Settings };

export interface Session {
  id: string;
  agent: string;
  address: string;
  created_at: number;
  used_at: number;
  current: boolean;
}

export interface Invite {
  id: string;
  room?: string | null;
  guests: boolean;
  created_at?: number;
  expires_at?: number | null;
  uses: number;
  max_uses?: number | null;
}

export interface Preview {
  room?: { name: string; topic: string; members: number; avatar?: string } | null;
  guests: boolean;
  expires_at?: number | null;
  uses_left?: number | null;
}

export interface AccountRow {
  id: string;
  name: string;
  display_name: string;
  admin: boolean;
  kind: "full" | "guest";
  active: boolean;
  created_at: number;
  sessions: number;
  used_at: number | null;
}
