/* Prompt templates: texts that are used often, kept on this device. `{{topic}}` in one is asked for when it is used. */

import { newId, now } from "chat/device/ids";
import { Emitter } from "chat/emitter";

const VARIABLE = /\{\{\s*([^{}\n]+?)\s*\}\}/g;

/** The names of a text's variables, each once, in their order. */
export const variablesOf = (text) => [...new Set([...text.matchAll(VARIABLE)].map(([, name]) => name))];

/** The text with the values (a Map by name) of its variables. */
export const filled = (text, values) => text.replace(VARIABLE, (whole, name) => values.get(name) ?? whole);

export class Templates extends Emitter {
  /** All of them, by name. */
  all = [];
  #store;
  #tabs;

  constructor(store, tabs) {
    super();
    this.#store = store;
    this.#tabs = tabs;
    tabs.on("templates", () => this.load());
  }

  async load() {
    this.all = (await this.#store.templates()).sort((a, b) => a.name.localeCompare(b.name) || a.created - b.created);
    this.emit("changed");
  }

  /** Stores a template; one without an id is new. */
  async save({ id = newId(), created = now(), name, text }) {
    await this.#store.write({ templates: [{ id, name, text, created }] });
    await this.#changed();
  }

  async remove({ id }) {
    await this.#store.removeTemplate(id);
    await this.#changed();
  }

  async #changed() {
    this.#tabs.broadcast("templates");
    await this.load();
  }
}
