/* What happened, for whoever wants to know. */

export class Emitter {
  #listeners = new Map();

  /** Calls `listener(detail)` whenever `name` happens. */
  on(name, listener) {
    if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
    this.#listeners.get(name).add(listener);
    return this;
  }

  emit(name, detail) {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(detail);
      } catch (error) {
        reportError(error); // a fault in what shows an answer must not stop it from being kept
      }
    }
  }
}
