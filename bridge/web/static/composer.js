/* Where one writes: Enter sends, Shift+Enter is a new line, the up arrow edits one's last line, Escape gives up. */

import { call, goToDoor, newId } from "./calls.js";
import { failureText, page, t } from "./page.js";

const MOST_BYTES = 16_384;
const encoder = new TextEncoder();

export class Composer {
  #form = document.getElementById("composer");
  #box = document.getElementById("write");
  #failure = document.getElementById("composer-failure");
  #editing = document.getElementById("editing");
  #draft = `rialto.draft/${page.me.id}/${page.room.id}`;
  #edited = null;

  /** `send(text, style)` takes a new line; `newestOwn()` gives the line to edit. */
  constructor(send, newestOwn) {
    this.send = send;
    this.newestOwn = newestOwn;
    this.#box.value = localStorage.getItem(this.#draft) ?? "";
    this.#box.addEventListener("input", () => this.#changed());
    this.#box.addEventListener("keydown", (event) => this.#key(event));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    const cancel = this.#editing.querySelector("button");
    cancel.textContent = t("chat.cancel");
    cancel.addEventListener("click", () => this.#stopEditing());
    this.#grow();
    if (!matchMedia("(pointer: coarse)").matches) this.#box.focus({ preventScroll: true });
  }

  /** Begin to edit one of one's own lines. */
  edit(line) {
    this.#edited = line;
    this.#box.value = line.content.text;
    this.#editing.querySelector("span").textContent = t("chat.editing");
    this.#editing.hidden = false;
    this.#grow();
    this.#box.focus();
  }

  /** Take a line back. */
  async remove(line) {
    await this.#ask({ kind: "removed", content: { target: line.id }, client_id: newId() });
  }

  #key(event) {
    // While an input method composes (or has just ended: key code 229), Enter chooses a word.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape" && this.#edited) {
      this.#stopEditing();
    } else if (event.key === "ArrowUp" && !this.#box.value) {
      const line = this.newestOwn();
      if (line) {
        event.preventDefault();
        this.edit(line);
      }
    }
  }

  async #submit() {
    const typed = this.#box.value.trimEnd();
    if (!typed.trim()) return;
    if (encoder.encode(typed).length > MOST_BYTES) {
      this.#fail(t("chat.too_long"));
      return;
    }
    if (this.#edited) {
      const { id, content } = this.#edited;
      const done = await this.#ask({
        kind: "edited",
        content: { target: id, text: typed, style: content.style },
        client_id: newId(),
      });
      if (done) this.#stopEditing();
      return;
    }
    const emote = /^\/me\s+(\S[\s\S]*)$/.exec(typed);
    this.send(emote ? emote[1] : typed, emote ? "emote" : "text");
    this.#box.value = "";
    this.#changed();
    this.#box.focus();
  }

  async #ask(body) {
    this.#fail("");
    try {
      await call("POST", `/api/v1/rooms/${page.room.id}/events`, body);
      return true;
    } catch (error) {
      if (error.status === 401) goToDoor();
      this.#fail(error.status === 0 ? t("chat.offline") : failureText(error));
      return false;
    }
  }

  #stopEditing() {
    this.#edited = null;
    this.#editing.hidden = true;
    this.#box.value = localStorage.getItem(this.#draft) ?? "";
    this.#fail("");
    this.#grow();
    this.#box.focus();
  }

  #changed() {
    this.#fail("");
    this.#grow();
    if (this.#edited) return;
    if (this.#box.value) localStorage.setItem(this.#draft, this.#box.value);
    else localStorage.removeItem(this.#draft);
  }

  #grow() {
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }

  #fail(words) {
    this.#failure.textContent = words;
    this.#failure.hidden = !words;
  }
}
