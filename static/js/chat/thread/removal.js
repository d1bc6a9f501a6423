/* Deletes a message of the open conversation with all that follows it, and brings it back. */

import { isRunning } from "chat/answers/answers";
import { fileIds } from "chat/device/attached";
import { deepest, neighborOf, withFollowing } from "chat/device/tree";

export class Removal {
  #room;
  #store;
  #answers;
  #tabs;

  constructor(room, { store, answers, tabs }) {
    this.#room = room;
    this.#store = store;
    this.#answers = answers;
    this.#tabs = tabs;
  }

  /** Deletes a question or one version of an answer, and shows the version next to it, else the turn before.
      Running answers are stopped. Resolves to a function that undoes it. */
  async remove(message) {
    const { conversation, messages } = this.#room;
    const removed = withFollowing(messages, message);
    const question = message.role === "assistant" ? messages.get(message.parent) : null;
    const before = { leaf: conversation.leaf, shown: question?.shown };
    for (const each of removed) {
      messages.delete(each.id);
      if (!isRunning(each)) continue;
      this.#answers.stop(each.id);
      each.status = "stopped"; // also if another tab writes it
      delete each.key;
    }
    this.#choose(message, question, neighborOf(new Map([...messages, [message.id, message]]), message));
    const files = await this.#save(async () => {
      const found = await this.#filesOf(removed);
      await this.#store.removeMessages(removed, found, { conversations: [conversation], messages: question ? [question] : [] });
      return found;
    });
    this.#changed(conversation);
    return () => this.#restore({ conversation, question, removed, files, ...before });
  }

  /** The files that only these messages have. Versions of a question share theirs. */
  async #filesOf(removed) {
    const kept = new Set([...this.#room.messages.values()].flatMap(fileIds));
    const ids = new Set(removed.flatMap(fileIds).filter((id) => !kept.has(id)));
    return (await Promise.all([...ids].map((id) => this.#room.file(id)))).filter(Boolean);
  }

  #choose(message, question, next) {
    const { conversation, messages } = this.#room;
    if (question) {
      const { [message.slot]: shown, ...others } = question.shown ?? {};
      const kept = shown === message.id ? next?.id : shown;
      question.shown = kept ? { ...others, [message.slot]: kept } : others;
    }
    if (messages.has(conversation.leaf)) return;
    const place = next?.id ?? message.parent;
    conversation.leaf = place && deepest(messages, place);
  }

  async #restore({ conversation: { id }, question, removed, files, leaf, shown }) {
    const open = id === this.#room.conversation.id;
    const conversation = open ? this.#room.conversation : await this.#store.conversation(id);
    if (!conversation) return; // deleted since
    const kept = question && (open ? this.#room.messages.get(question.id) : await this.#store.message(question.id));
    conversation.leaf = leaf;
    if (kept) kept.shown = shown;
    if (open) for (const message of removed) this.#room.messages.set(message.id, message);
    await this.#save(() => this.#store.write({ conversations: [conversation], messages: kept ? [...removed, kept] : removed, files }));
    this.#changed(conversation);
  }

  /** Runs `write`; until it has ended, nothing is taken over from other tabs. */
  #save(write) {
    this.#room.changes += 1;
    const saving = write();
    this.#room.saving = saving;
    return saving;
  }

  #changed({ id }) {
    this.#tabs.broadcast("conversation", id);
    this.#room.emit("list");
    if (id === this.#room.conversation.id) this.#room.emit("turns");
  }
}
