/* Puts the stores together: what the page knows, and what it can do. */

import { effect } from "@preact/signals";

import { call } from "../api/call.ts";
import type { Account, Frame, Room, Welcome } from "../api/types.ts";
import type { Wire } from "../api/socket.ts";
import { Connection } from "./connection.ts";
import { Drafts } from "./drafts.ts";
import { Follower } from "./follower.ts";
import { take } from "./frames.ts";
import { Outbox } from "./outbox.ts";
import type { Place } from "./place.ts";
import { Places } from "./places.ts";
import { Preferences } from "./preferences.ts";
import { Reading } from "./reading.ts";
import { Session } from "./session.ts";
import { Statuses } from "./statuses.ts";
import { Typing } from "./typing.ts";
import { type Storage, dropAll, roomsWith } from "./unsent.ts";

export class Store {
  readonly session = new Session();
  readonly places = new Places();
  readonly statuses = new Statuses();
  readonly preferences = new Preferences();
  readonly connection: Connection;
  readonly follower: Follower;
  readonly reading: Reading;
  readonly typing: Typing;
  readonly drafts: Drafts;
  readonly #storage: Storage;
  readonly #outboxes = new Map<string, Outbox>();

  constructor(version: string, storage: Storage, dial: () => Wire) {
    this.#storage = storage;
    this.connection = new Connection(version, {
      dial,
      welcomed: (welcome) => this.#welcomed(welcome),
      frame: (frame) => this.#told(frame),
      lost: () => this.#lost(),
      signedOut: () => this.signedOut(),
      seen: () => this.follower.seen(),
    });
    const request = <T>(op: string, fields: object): Promise<T> => this.connection.request<T>(op, fields);
    this.follower = new Follower(request, this.places);
    this.reading = new Reading(request);
    this.typing = new Typing(request);
    this.drafts = new Drafts(storage, () => this.session.person);
  }

  /** Somebody has just signed in, and has the cookie. */
  signedIn(account: Account): void {
    this.session.account.value = account;
    this.connection.start();
  }

  /** The session is over: everything that belonged to it is forgotten. */
  signedOut(): void {
    this.connection.stop();
    this.session.account.value = undefined;
    this.follower.clear();
    this.places.clear();
    this.#outboxes.clear();
  }

  /** End the session. What was not sent goes with it: the next one at this screen may be somebody else. */
  async signOut(): Promise<void> {
    const person = this.session.person;
    await call("POST", "/logout", {});
    dropAll(this.#storage, person);
    this.signedOut();
  }

  /** The outbox of a room. */
  outbox(place: Place): Outbox {
    let outbox = this.#outboxes.get(place.id);
    if (!outbox) {
      outbox = new Outbox(place, this.#storage, {
        request: (op, fields) => this.connection.request(op, fields),
        me: () => ({ person: this.session.person, name: this.session.account.value?.display_name ?? "" }),
      });
      this.#outboxes.set(place.id, outbox);
    }
    return outbox;
  }

  /** How many lines wait to be sent, in all rooms. */
  get unsent(): number {
    return [...this.places.all()].reduce((sum, place) => sum + place.unsent.value.length, 0);
  }

  /** Ask how a room is now, as the visitor sees it. Throws `Failure`. */
  async refresh(id: string): Promise<Room> {
    const room = await call<Room>("GET", `/rooms/${encodeURIComponent(id)}`);
    this.places.put(room);
    return room;
  }

  #welcomed(welcome: Welcome): void {
    this.session.account.value = welcome.account;
    this.places.welcome(welcome.rooms);
    this.statuses.welcome(welcome.statuses);
    this.preferences.take(welcome.settings);
    this.follower.again();
    for (const id of roomsWith(this.#storage, this.session.person)) void this.outbox(this.places.at(id)).run();
  }

  #told(frame: Frame): void {
    take({ places: this.places, statuses: this.statuses, preferences: this.preferences }, frame);
  }

  #lost(): void {
    this.follower.lost();
    for (const place of this.places.all()) place.typing.value = [];
  }
}

/** Show how much is unread in the tab's title. */
export function showNews(store: Store, title: () => string): () => void {
  return effect(() => {
    const { unread, mentions } = store.places.news.value;
    const mark = mentions ? `(${mentions}) ` : unread ? "• " : "";
    document.title = mark + title();
  });
}
