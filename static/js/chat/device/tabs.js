/* Communication between tabs of the same user: changes, and which tab writes which answer. */

import { Emitter } from "chat/emitter";

export class Tabs extends Emitter {
  #channel;
  #prefix;
  #held = new Map(); // answer id -> function that releases its lock

  constructor(user) {
    super();
    this.#prefix = `chat-answer-${user}-`;
    this.#channel = new BroadcastChannel(`chat-${user}`);
    this.#channel.onmessage = ({ data }) => this.emit(data.name, data.detail);
  }

  /** Sends an event to the other tabs. */
  broadcast(name, detail) {
    this.#channel.postMessage({ name, detail });
  }

  /** Claims an answer for this tab; resolves when every tab can see the claim. It ends with `release` or with the tab. */
  claim(answer) {
    if (!navigator.locks || this.#held.has(answer)) return Promise.resolve();
    return new Promise((granted) => {
      const held = new Promise((release) => this.#held.set(answer, release));
      navigator.locks.request(this.#prefix + answer, () => { granted(); return held; });
    });
  }

  /** Claims an answer if no tab has; resolves to whether this call has claimed it. */
  claimFree(answer) {
    if (!navigator.locks) return Promise.resolve(true);
    if (this.#held.has(answer)) return Promise.resolve(false); // else its release would be lost
    return new Promise((decided) => {
      const held = new Promise((release) => this.#held.set(answer, release));
      navigator.locks.request(this.#prefix + answer, { ifAvailable: true }, (lock) => {
        if (!lock) this.#held.delete(answer);
        decided(Boolean(lock));
        return lock && held;
      });
    });
  }

  release(answer) {
    this.#held.get(answer)?.();
    this.#held.delete(answer);
  }

  /** Ids of the answers that any tab is writing; null if the browser cannot tell. */
  async claimed() {
    if (!navigator.locks) return null;
    const { held = [] } = await navigator.locks.query();
    const claims = held.filter(({ mode, name }) => mode === "exclusive" && name.startsWith(this.#prefix));
    return new Set(claims.map(({ name }) => name.slice(this.#prefix.length)));
  }

  /** Resolves when no tab writes the answer any longer, also if its tab was closed or crashed. */
  async released(answer) {
    await navigator.locks?.request(this.#prefix + answer, { mode: "shared" }, () => {});
  }
}
