/* The line under the room's name that says what is wrong, and goes by itself when it is not any more. */

import { networkName, t } from "./page.js";

const TROUBLE = {
  down: (network) => t("chat.network_down", { network }),
  paused: (network) => t("chat.network_paused", { network }),
  stopped: (network) => t("chat.network_down", { network }),
  starting: (network) => t("chat.network_starting", { network }),
};

export class Banner {
  #element = document.getElementById("banner");
  #online = true;
  #health = new Map();
  #networks = new Set();

  constructor(room, statuses) {
    this.room(room);
    for (const status of statuses) this.#health.set(status.network, status.health);
    this.#show();
  }

  /** Learn which networks the room is linked with: trouble elsewhere is not told here. */
  room(room) {
    this.#networks = new Set((room.links ?? []).map((link) => link.network));
    this.#show();
  }

  /** Learn how a network is. */
  status(status) {
    this.#health.set(status.network, status.health);
    this.#show();
  }

  /** Learn whether our own server can be reached. */
  online(online) {
    this.#online = online;
    this.#show();
  }

  #show() {
    const troubles = [...this.#health]
      .filter(([network, health]) => this.#networks.has(network) && health in TROUBLE)
      .map(([network, health]) => TROUBLE[health](networkName(network)));
    const words = this.#online ? troubles.join(" ") : t("chat.offline");
    if (this.#element.textContent !== words) this.#element.textContent = words;
    this.#element.hidden = !words;
    this.#element.classList.toggle("offline", !this.#online);
  }
}

