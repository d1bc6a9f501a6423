/* A minimal event emitter. */

export class Emitter {
  #listeners = new Map();

  /** Calls `listener(detail)` on each event `name`. */
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
        reportError(error); // an error in a view must not prevent the answer from being saved
      }
    }
  }
}
