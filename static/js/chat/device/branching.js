/* A branch: a chat of its own with everything up to an answer of another. */

import { fileIds, renameFiles } from "chat/device/attached";
import { newId, now } from "chat/device/ids";
import { turnsTo } from "chat/device/tree";

/** Copies of a conversation, of its messages up to `answer` and of their files, {conversation, messages, files}, with ids of
    their own. `load(id)` resolves to a file. */
export async function branchOf(conversation, all, answer, load) {
  const id = newId();
  const ids = new Map();
  const messages = [];
  for (const { question, columns } of turnsTo(all, answer.id)) {
    for (const message of [question, ...columns.map(({ shown }) => shown)]) {
      ids.set(message.id, newId());
      messages.push({ ...structuredClone(message), id: ids.get(message.id), conversation: id, parent: ids.get(message.parent) ?? null });
    }
  }
  const files = [];
  for (const message of messages) {
    delete message.shown;
    const copies = new Map();
    for (const file of fileIds(message)) {
      const copy = { ...(await load(file)), id: newId(), conversation: id };
      copies.set(file, copy.id);
      files.push(copy);
    }
    renameFiles(message, (file) => copies.get(file));
  }
  const copy = {
    ...structuredClone(conversation), id, leaf: ids.get(answer.id), created: now(), updated: now(), pinned: false,
    title: `${conversation.title} (copy)`,
  };
  return { conversation: copy, messages, files };
}
