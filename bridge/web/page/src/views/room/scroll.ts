/* Where one is in the lines: at the end one stays there, anywhere else nothing moves under the eyes. */

import { type Signal, signal } from "@preact/signals";

const NEAR_END = 48;
const NEAR_TOP = 700;

export interface Events {
  /** The top is near: older lines are wanted. */
  nearTop(): void;
  /** Everything up to this number is or was in view. */
  saw(seq: number): void;
}

export class Scroll {
  /** Whether the newest line is in view, and the next one will be. */
  readonly stuck: Signal<boolean> = signal(true);
  readonly #box: HTMLElement;
  readonly #list: HTMLElement;
  readonly #events: Events;
  readonly #watcher: ResizeObserver;
  /** The first line in view, and how far below the upper edge it begins. */
  #anchor: { element: HTMLElement; top: number } | undefined;

  constructor(box: HTMLElement, list: HTMLElement, events: Events) {
    this.#box = box;
    this.#list = list;
    this.#events = events;
    box.addEventListener("scroll", this.#scrolled, { passive: true });
    // The window, the keyboard of a phone or a late picture change heights.
    this.#watcher = new ResizeObserver(() => this.restore());
    this.#watcher.observe(box);
    this.#watcher.observe(list);
  }

  /** Let go of the elements. */
  end(): void {
    this.#box.removeEventListener("scroll", this.#scrolled);
    this.#watcher.disconnect();
  }

  /** After the lines were drawn anew: stand where one stood. */
  restore(): void {
    if (this.stuck.value) this.#box.scrollTop = this.#box.scrollHeight;
    else if (this.#anchor?.element.isConnected) {
      const moved = this.#top(this.#anchor.element) - this.#anchor.top;
      if (moved) this.#box.scrollTop += moved;
    }
    this.#look();
  }

  /** Go to the newest line. */
  toEnd(): void {
    this.stuck.value = true;
    this.restore();
  }

  /** Bring a line into the middle. Returns whether it is there. */
  toLine(seq: number): boolean {
    const element = this.#list.querySelector<HTMLElement>(`[data-seq="${seq}"]`);
    if (!element) return false;
    this.stuck.value = false;
    element.scrollIntoView({ block: "center" });
    this.#scrolled();
    return true;
  }

  /** Scroll by a part of the view; for the keyboard. */
  by(parts: number): void {
    this.#box.scrollBy({ top: parts * this.#box.clientHeight });
  }

  readonly #scrolled = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    this.stuck.value = scrollHeight - scrollTop - clientHeight < NEAR_END;
    this.#look();
  };

  /** Note what is in view. */
  #look(): void {
    const lines = this.#list.children;
    const first = this.#search(0);
    const element = lines[first];
    this.#anchor = element instanceof HTMLElement ? { element, top: this.#top(element) } : undefined;
    if (document.visibilityState === "visible" && document.hasFocus()) this.#tell();
    if (this.#box.scrollTop < NEAR_TOP) this.#events.nearTop();
  }

  /** Tell the last line that is wholly in view. */
  #tell(): void {
    const after = this.#search(this.#box.clientHeight + 1);
    for (let at = Math.min(after, this.#list.children.length - 1); at >= 0; at -= 1) {
      const element = this.#list.children[at];
      const seq = element instanceof HTMLElement && this.#bottom(element) <= this.#box.clientHeight + 2 ? Number(element.dataset.seq) : 0;
      if (seq) return this.#events.saw(seq);
      if (this.#bottom(element as HTMLElement) < 0) return undefined;
    }
    return undefined;
  }

  /** Look again who sees what: the window has come to the front. */
  seenAgain(): void {
    this.#look();
  }

  /** The index of the first line whose lower edge is below `edge`. */
  #search(edge: number): number {
    const lines = this.#list.children;
    let low = 0;
    let high = lines.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#bottom(lines[middle] as HTMLElement) <= edge) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #top(element: Element): number {
    return element.getBoundingClientRect().top - this.#box.getBoundingClientRect().top;
  }

  #bottom(element: Element): number {
    return element.getBoundingClientRect().bottom - this.#box.getBoundingClientRect().top;
  }
}
