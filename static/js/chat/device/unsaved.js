/* Records that a full disk could not take. They are kept for as long as the page is open, as if they were stored, and a
   note of them is left for the next page: it tells what was lost. */

const PLACE = "chat-unsaved:";

/** Where the note for `user` lies in localStorage. */
export const notePlace = (user) => PLACE + user;

export class Unsaved {
  #records = { conversations: new Map(), messages: new Map(), files: new Map(), folders: new Map(), templates: new Map() };
  #place;

  constructor(user) {
    this.#place = notePlace(user);
  }

  /** The records by the name of their store, as `Store.write` takes them. */
  get records() {
    return Object.fromEntries(Object.entries(this.#records).map(([name, records]) => [name, [...records.values()]]));
  }

  get isEmpty() {
    return Object.values(this.#records).every(({ size }) => !size);
  }

  /** {messages: their number, titles: of their chats}. */
  get summary() {
    return { messages: this.#records.messages.size, titles: this.records.conversations.map(({ title }) => title) };
  }

  add(records) {
    for (const [name, added] of Object.entries(records)) for (const record of added ?? []) this.#records[name]?.set(record.id, record);
    this.#note(JSON.stringify(this.summary));
  }

  /** Forgets these records, or all. */
  drop(ids = null) {
    if (this.isEmpty) return;
    for (const records of Object.values(this.#records)) for (const id of ids ?? [...records.keys()]) records.delete(id);
    this.#note(this.isEmpty ? null : JSON.stringify(this.summary));
  }

  /** Stored records of one kind, and in place of them or in addition the unsaved ones that belong to them. */
  over(name, stored, belongs = () => true) {
    const unsaved = this.#records[name];
    if (!unsaved.size) return stored;
    return [...stored.filter(({ id }) => !unsaved.has(id)), ...[...unsaved.values()].filter(belongs)];
  }

  get(name, id) {
    return this.#records[name].get(id);
  }

  /** The summary that the page before this one has left; null if it saved everything. */
  static left(user) {
    try {
      return JSON.parse(localStorage.getItem(notePlace(user)));
    } catch {
      return null;
    }
  }

  static forget(user) {
    localStorage.removeItem(notePlace(user));
  }

  #note(text) {
    try {
      if (text) localStorage.setItem(this.#place, text);
      else localStorage.removeItem(this.#place);
    } catch { /* as full as the rest */ }
  }
}
