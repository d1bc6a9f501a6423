/* Keeps the open conversation in step with what other tabs write. */

import { isRunning } from "chat/answers/answers";
import { deepest } from "chat/device/tree";

/** Gives a message the content of its stored copy; true if it changed. */
function replaceContent(message, stored) {
  if (JSON.stringify(message) === JSON.stringify(stored)) return false;
  for (const name of Object.keys(message)) delete message[name];
  Object.assign(message, stored);
  return true;
}

export class Following {
  #elsewhere = new Set(); // ids of the answers that other tabs are writing
  #room;
  #store;
  #answers;
  #tabs;

  constructor(room, { store, answers, tabs }) {
    this.#room = room;
    this.#store = store;
    this.#answers = answers;
    this.#tabs = tabs;
    tabs.on("conversation", (id) => this.#otherTab(id));
    tabs.on("answer", (answer) => this.#otherAnswer(answer));
    tabs.on("list", () => room.emit("list"));
  }

  /** Whether another tab is writing this answer. */
  has(id) {
    return this.#elsewhere.has(id);
  }

  /** Takes over what is stored. Messages keep their objects, which views show, and the answers that this tab is writing
      keep their content. An answer that no tab is writing any longer is resumed; `claimed` are those that one is writing.
      Returns the changed answers. */
  async merge(stored, claimed) {
    const known = this.#room.messages;
    const changed = [];
    this.#room.messages = new Map();
    for (const message of stored) {
      const old = this.#answers.get(message.id) ?? known.get(message.id);
      this.#room.messages.set(message.id, old ?? message);
      if (old && !this.#answers.get(message.id) && replaceContent(old, message)) changed.push(old);
    }
    const running = [...this.#room.messages.values()].filter((message) => isRunning(message) && !this.#answers.get(message.id));
    const alone = running.filter((message) => (claimed ? !claimed.has(message.id) : !known.has(message.id)));
    for (const message of running) {
      if (!alone.includes(message) || !(await this.#tabs.claimFree(message.id))) this.#watch(message.id);
      else if (await this.#takeOver(message)) changed.push(message);
    }
    const unbilled = [...this.#room.messages.values()].filter(
      (message) => message.meta?.generation_id && !message.meta.usage && !isRunning(message),
    );
    this.#answers.requestBills(unbilled);
    return changed;
  }

  /** Resumes an answer that this tab has claimed, unless its tab has finished it since it was read; true if it changed. */
  async #takeOver(message) {
    const stored = await this.#store.message(message.id);
    const isChanged = Boolean(stored) && replaceContent(message, stored);
    if (stored && isRunning(stored)) this.#answers.resume(message);
    else this.#tabs.release(message.id);
    return isChanged;
  }

  /** Looks again when the tab that writes an answer has finished it, was closed or crashed. */
  async #watch(id) {
    if (this.#elsewhere.has(id)) return;
    this.#elsewhere.add(id);
    await this.#tabs.released(id);
    this.#elsewhere.delete(id);
    if (this.#room.messages.has(id)) await this.#otherTab(this.#room.conversation.id);
  }

  /** Follows an answer that another tab is writing. */
  async #otherAnswer({ id, conversation }) {
    if (conversation !== this.#room.conversation?.id || this.#answers.get(id)) return undefined;
    const stored = await this.#store.message(id);
    const message = this.#room.messages.get(id);
    if (!stored || conversation !== this.#room.conversation.id || this.#answers.get(id)) return undefined;
    if (!message) return this.#otherTab(conversation);
    if (!isRunning(stored)) this.#elsewhere.delete(id);
    if (replaceContent(message, stored)) this.#room.emit("message", { message, name: isRunning(message) ? "changed" : "ended" });
    return undefined;
  }

  /** Reads the conversation again after another tab changed it. */
  async #otherTab(id) {
    this.#room.emit("list");
    if (id !== this.#room.conversation?.id || !this.#room.saved) return;
    let changes, conversation, messages, claimed;
    do {
      changes = this.#room.changes;
      await this.#room.saving;
      [conversation, messages] = await Promise.all([this.#store.conversation(id), this.#store.messages(id)]);
      claimed = await this.#tabs.claimed();
      if (!conversation || id !== this.#room.conversation.id) return;
    } while (changes !== this.#room.changes); // what was read would undo what has ended or come since
    const shape = this.#shape();
    const leaf = this.#room.messages.size ? this.#room.conversation.leaf : conversation.leaf;
    this.#room.conversation = conversation;
    const changed = await this.merge(messages, claimed);
    // Stay at the end of the branch that is shown here.
    if (this.#room.messages.has(leaf)) this.#room.conversation.leaf = deepest(this.#room.messages, leaf);
    if (this.#shape() !== shape) this.#room.emit("turns");
    for (const message of changed) this.#room.emit("message", { message, name: isRunning(message) ? "changed" : "ended" });
    this.#room.emit("settings");
  }

  /** All that decides which messages are shown. */
  #shape() {
    return JSON.stringify([this.#room.conversation.leaf, ...[...this.#room.messages.values()].map(({ id, shown, basis }) => [id, shown, basis])]);
  }
}
