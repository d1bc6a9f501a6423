/* Conversations in IndexedDB, only in this browser.

   Each message is a record, so that saving a message does not depend on the length of its conversation. The
   database name contains the user's id, so that users who share a browser do not see each other's chats.

   conversations  id, title, titled ("auto" | "user"), created, updated, pinned, models, system, params, web, leaf,
                  folder (an id; a folder that does not exist is none)
   messages       id, conversation, parent, role, created, text; a question: files, shown;
                  an answer: slot, model, status, reasoning, thought_ms, images, sources, error, meta
   files          id, conversation, kind, name, type, size, blob; of a PDF: text, pages, pages_read, problem, as_text
   folders        id, name, created, collapsed
   templates      id, name, text, created
   meta           key -> value: drafts, reading positions, favourites (favorite models), settings, cached models */

import { openDB } from "idb";

import { Emitter } from "chat/emitter";
import { Unsaved } from "chat/device/unsaved";

const VERSION = 2;
/** What "meta" has for each chat, as "draft:ID". */
const OF_A_CHAT = ["draft", "place"];

export class Store extends Emitter {
  /** "browser", or "memory" if the browser blocks storage. */
  kind = "browser";
  /** Ids of temporary conversations. Nothing of them is ever written. */
  temporary = new Set();
  #closed = false;

  static async open(user) {
    const store = new Store();
    store.name = `chat-${user}`;
    store.unsaved = new Unsaved(user);
    try {
      store.db = await openDB(store.name, VERSION, {
        upgrade(db, from) {
          if (from < 1) {
            db.createObjectStore("conversations", { keyPath: "id" });
            db.createObjectStore("messages", { keyPath: "id" }).createIndex("conversation", "conversation");
            db.createObjectStore("files", { keyPath: "id" }).createIndex("conversation", "conversation");
            db.createObjectStore("meta");
          }
          if (from < 2) {
            db.createObjectStore("folders", { keyPath: "id" });
            db.createObjectStore("templates", { keyPath: "id" });
          }
        },
        blocking: (_, version) => (version === null ? store.#closeForGood() : store.#closeForUpgrade()),
        terminated: () => store.emit("failed", "The browser closed this site's storage. Reload the page."),
      });
    } catch {
      store.kind = "memory";
      store.db = new MemoryDatabase();
    }
    return store;
  }

  #closeForUpgrade() {
    // A newer version of this page must be able to upgrade the database.
    this.close();
    this.emit("failed", "A newer version is open in another tab. Reload to continue.");
  }

  /** Another page deletes the database, because the user has signed out. */
  #closeForGood() {
    this.close();
    this.emit("deleted");
  }

  close() {
    this.#closed = true;
    this.db.close();
  }

  async conversations() {
    return this.unsaved.over("conversations", await this.db.getAll("conversations"));
  }

  async conversation(id) {
    return this.unsaved.get("conversations", id) ?? this.db.get("conversations", id);
  }

  async messages(conversation) {
    return this.#of(conversation, "messages");
  }

  async message(id) {
    return this.unsaved.get("messages", id) ?? this.db.get("messages", id);
  }

  async files(conversation) {
    return this.#of(conversation, "files");
  }

  async #of(conversation, name) {
    const stored = await this.db.getAllFromIndex(name, "conversation", conversation);
    return this.unsaved.over(name, stored, (record) => record.conversation === conversation);
  }

  async folders() {
    return this.unsaved.over("folders", await this.db.getAll("folders"));
  }

  async templates() {
    return this.unsaved.over("templates", await this.db.getAll("templates"));
  }

  async file(id) {
    return this.unsaved.get("files", id) ?? this.db.get("files", id);
  }

  async allMessages() {
    return this.unsaved.over("messages", await this.db.getAll("messages"));
  }

  async allFiles() {
    return this.unsaved.over("files", await this.db.getAll("files"));
  }

  /** Whether a record may be written: it belongs to no temporary conversation. */
  #lasts({ id, conversation = id }) {
    return !this.temporary.has(conversation);
  }

  /** Writes records by the name of their store in one transaction. On failure: false, and a "full" or "failed" event. What
      a full disk does not take is unsaved: it is read as if it were stored, and written when there is room. */
  async write(given) {
    const records = Object.fromEntries(Object.entries(given).map(([name, all = []]) => [name, all.filter((record) => this.#lasts(record))]));
    try {
      await this.#put(records);
    } catch (error) {
      this.#report(error, records);
      return false;
    }
    await this.saveUnsaved();
    return true;
  }

  async #put(records) {
    const stores = Object.keys(records).filter((name) => records[name]?.length);
    if (!stores.length) return;
    const transaction = this.db.transaction(stores, "readwrite");
    const done = transaction.done;
    const puts = stores.flatMap((name) => records[name].map((record) => transaction.objectStore(name).put(record)));
    for (const put of puts) put?.catch?.(() => {}); // of all that fails, only the transaction knows why
    transaction.commit?.(); // at once: the page may be reloaded
    await done;
  }

  /** Writes what is unsaved, if there is room now; resolves to whether everything is saved. */
  async saveUnsaved() {
    if (this.unsaved.isEmpty) return true;
    try {
      await this.#put(this.unsaved.records);
    } catch {
      return false;
    }
    this.unsaved.drop();
    this.emit("saved");
    return true;
  }

  /** Writes a running answer with its new files, unless it or its conversation was deleted. */
  async writeAnswer(message, files = []) {
    if (!this.#lasts(message)) return;
    const record = { ...message }; // as it is now
    try {
      const transaction = this.db.transaction(files.length ? ["messages", "files"] : ["messages"], "readwrite");
      const done = transaction.done;
      const messages = transaction.objectStore("messages");
      if (await messages.getKey(message.id)) {
        messages.put(record);
        for (const file of files) transaction.objectStore("files").put(file);
      }
      await done;
    } catch (error) {
      this.#report(error, { messages: [record], files });
    }
  }

  /** Writes messages without waiting, because the page is about to unload. */
  writeNow(given) {
    const messages = given.filter((message) => this.#lasts(message));
    if (!messages.length || this.#closed) return;
    const transaction = this.db.transaction(["messages"], "readwrite");
    transaction.done.catch(() => {});
    for (const message of messages) transaction.objectStore("messages").put(message);
    transaction.commit?.();
  }

  /** Removes a conversation; resolves to its records, which `write` can restore. */
  async remove(id) {
    const conversation = await this.conversation(id);
    const [messages, files] = await Promise.all([this.messages(id), this.files(id)]);
    const transaction = this.db.transaction(["conversations", "messages", "files", "meta"], "readwrite");
    const done = transaction.done;
    transaction.objectStore("conversations").delete(id);
    for (const name of OF_A_CHAT) transaction.objectStore("meta").delete(`${name}:${id}`);
    for (const message of messages) transaction.objectStore("messages").delete(message.id);
    for (const file of files) transaction.objectStore("files").delete(file.id);
    await done;
    this.unsaved.drop([id, ...messages.map((message) => message.id), ...files.map((file) => file.id)]);
    await this.saveUnsaved();
    return { conversations: conversation ? [conversation] : [], messages, files };
  }

  /** Removes messages and files, which `write` can restore, and writes the records that change with that. */
  async removeMessages(messages, files, records) {
    if (!messages.every((message) => this.#lasts(message))) return;
    try {
      const transaction = this.db.transaction(["conversations", "messages", "files"], "readwrite");
      const done = transaction.done;
      for (const { id } of messages) transaction.objectStore("messages").delete(id);
      for (const { id } of files) transaction.objectStore("files").delete(id);
      for (const [name, changed] of Object.entries(records)) for (const record of changed) transaction.objectStore(name).put(record);
      await done;
    } catch (error) {
      this.#report(error, records);
    }
    this.unsaved.drop([...messages, ...files].map(({ id }) => id));
  }

  /** Removes a folder. Its conversations are in none then. */
  removeFolder(id) {
    return this.#delete("folders", id);
  }

  removeTemplate(id) {
    return this.#delete("templates", id);
  }

  async #delete(name, id) {
    try {
      await this.db.delete(name, id);
    } catch (error) {
      this.#report(error);
    }
  }

  /** Removes all conversations with their drafts, and folders, but not settings, favorites and templates. */
  async removeAll() {
    const keys = await this.db.getAllKeys("meta");
    const transaction = this.db.transaction(["conversations", "messages", "files", "folders", "meta"], "readwrite");
    const done = transaction.done;
    for (const name of ["conversations", "messages", "files", "folders"]) transaction.objectStore(name).clear();
    for (const key of keys) if (OF_A_CHAT.includes(String(key).split(":")[0])) transaction.objectStore("meta").delete(key);
    await done;
    this.unsaved.drop();
    this.emit("saved");
  }

  async meta(key, fallback = null) {
    return (await this.db.get("meta", key)) ?? fallback;
  }

  async setMeta(key, value) {
    try {
      const transaction = this.db.transaction(["meta"], "readwrite");
      const done = transaction.done;
      const meta = transaction.objectStore("meta");
      if (value === null) meta.delete(key);
      else meta.put(value, key)?.catch?.(() => {}); // only the transaction knows why
      transaction.commit?.(); // at once: the page may be reloaded
      await done;
    } catch (error) {
      this.#report(error);
    }
  }

  /** Conversations with a message that contains every word, as a Map of id -> the newest such message: {message, excerpt}. */
  async search(words) {
    const found = new Map();
    for (const { id, conversation, text: whole, created } of await this.allMessages()) {
      if (!whole || found.get(conversation)?.created > created) continue;
      const text = whole.toLowerCase();
      if (!words.every((word) => text.includes(word))) continue;
      const at = text.indexOf(words[0]);
      const excerpt = whole.slice(Math.max(0, at - 30), at + 90).replace(/\s+/g, " ").trim();
      found.set(conversation, { message: id, created, excerpt });
    }
    return found;
  }

  /** {used, quota} in bytes and `persisted`, whether storage is persistent; null if the browser does not report it. */
  async usage() {
    if (this.kind === "memory" || !navigator.storage?.estimate) return null;
    const [{ usage, quota }, persisted] = await Promise.all([navigator.storage.estimate(), navigator.storage.persisted?.() ?? false]);
    return { used: usage, quota, persisted };
  }

  /** Requests persistent storage; resolves to whether the browser granted it. */
  async persist() {
    return (await navigator.storage?.persist?.()) ?? false;
  }

  #report(error, records = {}) {
    if (error?.name === "QuotaExceededError" || error?.inner?.name === "QuotaExceededError") {
      this.unsaved.add(records);
      this.emit("full");
    } else this.emit("failed", `Your browser couldn't save this chat (${error?.name ?? "error"}). Export it to keep a copy.`);
  }
}

/** In-memory stand-in with the database methods used above, for browsers that block storage. */
class MemoryDatabase {
  #stores = { conversations: new Map(), messages: new Map(), files: new Map(), folders: new Map(), templates: new Map(), meta: new Map() };

  close() {}
  async getAll(name) { return structuredClone([...this.#stores[name].values()]); }
  async getAllKeys(name) { return [...this.#stores[name].keys()]; }
  async get(name, key) { return structuredClone(this.#stores[name].get(key)); }
  async getAllFromIndex(name, index, value) { return (await this.getAll(name)).filter((record) => record[index] === value); }
  async put(name, value, key = value.id) { this.#stores[name].set(key, structuredClone(value)); }
  async delete(name, key) { this.#stores[name].delete(key); }
  transaction() {
    const objectStore = (name) => ({
      getKey: async (key) => (this.#stores[name].has(key) ? key : undefined),
      put: (value, key) => this.put(name, value, key),
      delete: (key) => this.delete(name, key),
      clear: () => this.#stores[name].clear(),
    });
    return { done: Promise.resolve(), objectStore };
  }
}
