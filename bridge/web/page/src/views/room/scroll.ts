/* Where one is in the lines: at the end one stays there, anywhere else nothing moves under the eyes. */

import type { Signal } from "@preact/signals";

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
  readonly stuck: Signal<boolean>;
  readonly #box: HTMLElement;
  readonly #list: HTMLElement;
  readonly #events: Events;
  readonly #watcher: ResizeObserver;
  /** The first line in view, and where it ended in the whole of the lines. Its beginning may change with what comes
      before it: the day and the name over a first line go when it is none any more. */
  #anchor: { element: HTMLElement; end: number } | undefined;
  /** How things stood when they were looked at last. */
  #before = { top: 0, height: 0 };

  constructor(box: HTMLElement, list: HTMLElement, stuck: Signal<boolean>, events: Events) {
    this.stuck = stuck;
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
    this.#notice();
    if (this.stuck.value) this.#box.scrollTop = this.#box.scrollHeight;
    else if (this.#anchor?.element.isConnected) {
      const moved = this.#end(this.#anchor.element) - this.#anchor.end;
      if (moved) this.#box.scrollTop += moved;
    }
    this.#look();
  }

  /** Somebody may have scrolled in the same moment, and their browser has not told it yet. */
  #notice(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    const atEnd = scrollHeight - scrollTop - clientHeight < 1;
    if (Math.abs(scrollTop - this.#before.top) < 2 || atEnd) return;
    this.stuck.value = this.#before.height - scrollTop - clientHeight < NEAR_END;
  }

  /** Go to the newest line. */
  toEnd(): void {
    this.stuck.value = true;
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#look();
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
    this.#anchor = element instanceof HTMLElement ? { element, end: this.#end(element) } : undefined;
    this.#before = { top: this.#box.scrollTop, height: this.#box.scrollHeight };
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

  /** Where an element ends in the whole of the lines. */
  #end(element: Element): number {
    return this.#bottom(element) + this.#box.scrollTop;
  }

  #bottom(element: Element): number {
    return element.getBoundingClientRect().bottom - this.#box.getBoundingClientRect().top;
  }
}
