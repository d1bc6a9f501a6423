/* Several tabs of the same person: they tell each other what has changed, and which answers they are writing. */

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

  /** Tells the other tabs. */
  tell(name, detail) {
    this.#channel.postMessage({ name, detail });
  }

  /** Says that this tab writes an answer; the function returned says that it no longer does. */
  claim(answer) {
    if (!navigator.locks) return () => {};
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    navigator.locks.request(this.#prefix + answer, () => held);
    return release;
  }

  /** The answers that some tab is writing; null where the browser does not say. */
  async claimed() {
    if (!navigator.locks) return null;
    const { held = [] } = await navigator.locks.query();
    return new Set(held.map((lock) => lock.name).filter((name) => name.startsWith(this.#prefix)).map((name) => name.slice(this.#prefix.length)));
  }
}
