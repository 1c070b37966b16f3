/* What was written and is not in the log yet: kept in the browser's storage, sent in order, each once. */

import { call, goToDoor, newId } from "./calls.js";
import { drawSaid } from "./line.js";
import { failureText, page, t } from "./page.js";

const PAUSES = [1, 2, 4, 8, 15];

export class Outbox {
  #items = [];
  #list = document.getElementById("unsent");
  #prefix = `rialto.unsent/${page.me.id}/${page.room.id}/`;
  #running = false;
  #tries = 0;
  #wake = () => {};

  /** `settled(item, {seq, id})` is called once for each item that is in the log now. */
  constructor(picture, settled, shown) {
    this.picture = picture;
    this.settled = settled;
    this.shown = shown;
    this.#load();
    this.#draw();
  }

  /** Whether something with these words waits to be sent (its line may come back before the answer does). */
  holds(text) {
    return this.#items.some((item) => item.text === text);
  }

  /** Take something to send; it is in the storage before this returns. */
  add(text, style) {
    const item = { client_id: newId(), text, style, at: Date.now(), failure: "" };
    this.#items.push(item);
    this.#keep(item);
    this.#draw();
    this.shown();
    this.run();
  }

  /** Send what waits, in order; called again whenever the connection is back. */
  async run() {
    this.#tries = 0;
    this.#wake();
    if (this.#running) return;
    this.#running = true;
    try {
      for (let item; (item = this.#items.find((each) => !each.failure)); ) await this.#send(item);
    } finally {
      this.#running = false;
    }
  }

  async #send(item) {
    const { client_id, text, style } = item;
    try {
      const path = `/api/v1/rooms/${page.room.id}/events`;
      const placed = await call("POST", path, { kind: "said", content: { text, style }, client_id });
      this.#tries = 0;
      this.#drop(item);
      this.settled(item, placed);
    } catch (error) {
      if (error.status === 401) goToDoor();
      if (error.status === 0 || error.status === 401 || error.status === 429 || error.status >= 500) {
        await this.#pause(error.retryAfter);
        return;
      }
      item.failure = failureText(error);
      this.#keep(item);
      this.#draw();
    }
  }

  #pause(seconds) {
    const pause = seconds || PAUSES[Math.min(this.#tries++, PAUSES.length - 1)];
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pause * 1000);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #load() {
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(this.#prefix)) continue;
      try {
        this.#items.push(JSON.parse(localStorage.getItem(key)));
      } catch {
        localStorage.removeItem(key);
      }
    }
    this.#items.sort((a, b) => a.at - b.at);
  }

  /** Each item has a key of its own, so that two windows do not overwrite each other's. */
  #keep(item) {
    try {
      localStorage.setItem(this.#prefix + item.client_id, JSON.stringify(item));
    } catch (error) {
      console.warn("the storage is full: an unsent line would not survive a reload", error);
    }
  }

  #drop(item) {
    this.#items = this.#items.filter((each) => each !== item);
    localStorage.removeItem(this.#prefix + item.client_id);
    this.#draw();
  }

  #draw() {
    this.#list.replaceChildren(...this.#items.map((item, index) => this.#drawItem(item, index)));
  }

  #drawItem(item, index) {
    const unsent = item.failure ? ["failed", t("chat.not_sent", { reason: item.failure })] : ["sending", t("chat.tick_sending")];
    const line = {
      who: { id: page.me.person, name: page.me.display_name, network: "web" },
      at: item.at,
      content: { text: item.text, style: item.style },
      deliveries: [],
      unsent,
    };
    const made = drawSaid(line, this.picture(page.me.person), null);
    made.classList.add("unsent");
    made.classList.toggle("first", index === 0);
    if (item.failure) {
      const why = made.querySelector(".why");
      why.append(this.#button(t("chat.retry"), () => this.#retry(item)));
      why.append(this.#button(t("chat.discard"), () => this.#drop(item)));
    }
    return made;
  }

  #button(words, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = words;
    made.addEventListener("click", act);
    return made;
  }

  #retry(item) {
    item.failure = "";
    this.#keep(item);
    this.#draw();
    this.run();
  }
}
