/* Communication between tabs of the same user: changes, and which tab writes which answer. */

import { Emitter } from "chat/emitter";

export class Tabs extends Emitter {
  #channel;
  #prefix;

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

  /** Claims an answer for this tab; returns a function that releases it. */
  claim(answer) {
    if (!navigator.locks) return () => {};
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    navigator.locks.request(this.#prefix + answer, () => held);
    return release;
  }

  /** Ids of the answers that any tab is writing; null if the browser cannot tell. */
  async claimed() {
    if (!navigator.locks) return null;
    const { held = [] } = await navigator.locks.query();
    return new Set(held.map((lock) => lock.name).filter((name) => name.startsWith(this.#prefix)).map((name) => name.slice(this.#prefix.length)));
  }
}
