/* Lines, rooms and a storage, as tests need them. */

import type { Line, Room } from "../src/api/types.ts";
import type { Storage } from "../src/store/unsent.ts";

export function line(seq: number, more: Partial<Line> = {}): Line {
  return {
    seq,
    id: `e${seq}`,
    kind: "said",
    who: { id: "p1", name: "Ada", network: "web" },
    at: 1_700_000_000_000 + seq * 1_000,
    content: { text: `line ${seq}`, style: "text" },
    deliveries: [],
    ...more,
  };
}

export function room(id: string, more: Partial<Room> = {}): Room {
  return {
    id,
    slug: id,
    name: id,
    topic: "",
    avatar: "",
    alias: "",
    access: "public",
    history: "all",
    slow_seconds: 0,
    archived: false,
    joined: true,
    role: "member",
    members: 2,
    links: [],
    last_seq: 0,
    marker: 0,
    unread: 0,
    mentions: 0,
    can: ["read", "say"],
    ...more,
  };
}

/** localStorage, in memory. */
export class Memory implements Storage {
  readonly items = new Map<string, string>();
  full = false;

  get length(): number {
    return this.items.size;
  }

  key(index: number): string | null {
    return [...this.items.keys()][index] ?? null;
  }

  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    if (this.full) throw new Error("quota");
    this.items.set(key, value);
  }

  removeItem(key: string): void {
    this.items.delete(key);
  }
}
