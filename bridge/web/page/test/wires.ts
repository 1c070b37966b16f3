/* A server at the other end of scripted WebSockets: it keeps a log, and loses connections when it is told to. */

import type { Wire } from "../src/api/socket.ts";
import type { Line, Room } from "../src/api/types.ts";
import { line, room } from "./made.ts";

interface Asked {
  id: number;
  op: string;
  [field: string]: unknown;
}

class FakeWire implements Wire {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  closed = false;
  /** After which number the room is told on this connection; undefined before it is followed. */
  told: number | undefined = undefined;
  readonly #server: FakeServer;

  constructor(server: FakeServer) {
    this.#server = server;
    queueMicrotask(() => !this.closed && this.onopen?.());
  }

  send(text: string): void {
    const asked = JSON.parse(text) as Asked;
    queueMicrotask(() => !this.closed && this.#server.take(this, asked));
  }

  close(code = 1000): void {
    if (this.closed) return;
    this.closed = true;
    this.onclose?.({ code, reason: "" });
  }

  push(frame: object): void {
    if (!this.closed) this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

export class FakeServer {
  readonly lines: Line[] = [];
  readonly wires: FakeWire[] = [];
  readonly asked: Asked[] = [];
  readonly room: Room = room("r1");
  version = "v1";
  /** Whether connections can be made. */
  up = true;
  /** Take the next request with this name, and cut the connection before its answer. */
  cutBeforeAnswer = "";
  /** Refuse the next `say` with this error. */
  refuse: object | undefined;
  readonly #written = new Map<string, { seq: number; id: string }>();

  dial = (): Wire => {
    const wire = new FakeWire(this);
    this.wires.push(wire);
    if (!this.up) queueMicrotask(() => wire.close(1006));
    return wire;
  };

  get wire(): FakeWire {
    const last = this.wires.at(-1);
    if (!last) throw new Error("nobody has dialled");
    return last;
  }

  /** Somebody says something. */
  write(text: string, who = "p2"): Line {
    const made = line(this.lines.length + 1, { content: { text, style: "text" }, who: { id: who, name: who, network: "web" } });
    this.lines.push(made);
    for (const wire of this.wires) if (wire.told !== undefined) this.#tell(wire);
    return made;
  }

  take(wire: FakeWire, asked: Asked): void {
    this.asked.push(asked);
    const answer = this.#answer(wire, asked);
    if (this.cutBeforeAnswer === asked.op) {
      this.cutBeforeAnswer = "";
      wire.close(1006);
      return;
    }
    wire.push("error" in answer ? { re: asked.id, error: answer.error } : { re: asked.id, ok: answer });
    if (asked.op === "follow") this.#follow(wire, asked.after as number | null);
  }

  #answer(wire: FakeWire, asked: Asked): object {
    switch (asked.op) {
      case "hello":
        return { session: "s", account: { id: "a1", person: "p1", display_name: "Ada" }, rooms: [this.room], statuses: [], settings: {}, page: this.version, ping_seconds: 15 };
      case "say":
        return this.#say(asked);
      case "page":
        return { events: this.lines.filter((each) => each.seq < (asked.before as number)).slice(-(asked.limit as number)) };
      case "follow":
        return asked.room === "r1" ? {} : { error: { code: "no_such_room", message: "There is no such room." } };
      default:
        return wire.closed ? {} : { at: 1 };
    }
  }

  #say(asked: Asked): object {
    const error = this.refuse;
    this.refuse = undefined;
    if (error) return { error };
    const client = asked.client_id as string;
    let placed = this.#written.get(client);
    if (!placed) {
      const made = this.write(asked.text as string, "p1");
      this.#written.set(client, (placed = { seq: made.seq, id: made.id }));
    }
    return placed;
  }

  #follow(wire: FakeWire, after: number | null): void {
    const last = this.lines.at(-1)?.seq ?? 0;
    wire.told = after ?? Math.max(0, last - 50);
    this.#tell(wire);
    wire.push({ ev: "live", room: "r1", seq: last });
  }

  #tell(wire: FakeWire): void {
    for (const each of this.lines.filter((line) => line.seq > (wire.told ?? 0))) {
      wire.push({ ev: "line", room: "r1", seq: each.seq, line: each });
      wire.told = each.seq;
    }
  }
}

/** Let everything happen that waits for nothing but its turn. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}
