/* Conversations in IndexedDB, only in this browser.

   Each message is a record, so that saving a message does not depend on the length of its conversation. The
   database name contains the user's id, so that users who share a browser do not see each other's chats.

   conversations  id, title, titled ("auto" | "user"), created, updated, pinned, models, system, params, web, leaf
   messages       id, conversation, parent, role, created, text; a question: files, shown;
                  an answer: slot, model, status, reasoning, thought_ms, images, sources, error, meta
   files          id, conversation, name, type, size, blob
   meta           key -> value: drafts, reading positions, favourites (favorite models), settings, cached models */

import { openDB } from "idb";

import { Emitter } from "chat/emitter";

const VERSION = 1;
/** What "meta" has for each chat, as "draft:ID". */
const OF_A_CHAT = ["draft", "place"];

export class Store extends Emitter {
  /** "browser", or "memory" if the browser blocks storage. */
  kind = "browser";

  static async open(user) {
    const store = new Store();
    store.name = `chat-${user}`;
    try {
      store.db = await openDB(store.name, VERSION, {
        upgrade(db) {
          db.createObjectStore("conversations", { keyPath: "id" });
          db.createObjectStore("messages", { keyPath: "id" }).createIndex("conversation", "conversation");
          db.createObjectStore("files", { keyPath: "id" }).createIndex("conversation", "conversation");
          db.createObjectStore("meta");
        },
        blocking: () => store.#closeForUpgrade(),
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
    this.db.close();
    this.emit("failed", "A newer version is open in another tab. Reload to continue.");
  }

  conversations() {
    return this.db.getAll("conversations");
  }

  conversation(id) {
    return this.db.get("conversations", id);
  }

  messages(conversation) {
    return this.db.getAllFromIndex("messages", "conversation", conversation);
  }

  message(id) {
    return this.db.get("messages", id);
  }

  files(conversation) {
    return this.db.getAllFromIndex("files", "conversation", conversation);
  }

  file(id) {
    return this.db.get("files", id);
  }

  allMessages() {
    return this.db.getAll("messages");
  }

  allFiles() {
    return this.db.getAll("files");
  }

  /** Writes {conversations, messages, files} in one transaction. On failure: false, and a "full" or "failed" event. */
  async write(records) {
    const stores = Object.keys(records).filter((name) => records[name]?.length);
    if (!stores.length) return true;
    try {
      const transaction = this.db.transaction(stores, "readwrite");
      const done = transaction.done;
      await Promise.all([done, ...stores.flatMap((name) => records[name].map((record) => transaction.objectStore(name).put(record)))]);
      return true;
    } catch (error) {
      this.#report(error);
      return false;
    }
  }

  /** Writes a running answer, unless it or its conversation was deleted. */
  async writeAnswer(message) {
    try {
      const transaction = this.db.transaction(["messages"], "readwrite");
      const done = transaction.done;
      const messages = transaction.objectStore("messages");
      if (await messages.getKey(message.id)) messages.put(message);
      await done;
    } catch (error) {
      this.#report(error);
    }
  }

  /** Writes messages without waiting, because the page is about to unload. */
  writeNow(messages) {
    if (!messages.length) return;
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
    return { conversations: conversation ? [conversation] : [], messages, files };
  }

  /** Removes messages and files, which `write` can restore, and writes the records that change with that. */
  async removeMessages(messages, files, records) {
    try {
      const transaction = this.db.transaction(["conversations", "messages", "files"], "readwrite");
      const done = transaction.done;
      for (const { id } of messages) transaction.objectStore("messages").delete(id);
      for (const { id } of files) transaction.objectStore("files").delete(id);
      for (const [name, changed] of Object.entries(records)) for (const record of changed) transaction.objectStore(name).put(record);
      await done;
    } catch (error) {
      this.#report(error);
    }
  }

  /** Removes all conversations with their drafts, but not settings and favorites. */
  async removeAll() {
    const keys = await this.db.getAllKeys("meta");
    const transaction = this.db.transaction(["conversations", "messages", "files", "meta"], "readwrite");
    const done = transaction.done;
    for (const name of ["conversations", "messages", "files"]) transaction.objectStore(name).clear();
    for (const key of keys) if (OF_A_CHAT.includes(String(key).split(":")[0])) transaction.objectStore("meta").delete(key);
    await done;
  }

  async meta(key, fallback = null) {
    return (await this.db.get("meta", key)) ?? fallback;
  }

  async setMeta(key, value) {
    try {
      if (value === null) await this.db.delete("meta", key);
      else await this.db.put("meta", value, key);
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

  #report(error) {
    if (error?.name === "QuotaExceededError" || error?.inner?.name === "QuotaExceededError") this.emit("full");
    else this.emit("failed", `Your browser couldn't save this chat (${error?.name ?? "error"}). Export it to keep a copy.`);
  }
}

/** In-memory stand-in with the database methods used above, for browsers that block storage. */
class MemoryDatabase {
  #stores = { conversations: new Map(), messages: new Map(), files: new Map(), meta: new Map() };

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
