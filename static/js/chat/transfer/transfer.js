/* Import of chats: this site's own export, and those of ChatGPT, Claude and Open WebUI, recognized by their shape. */

import { renameFiles } from "chat/device/attached";
import * as chatgpt from "chat/transfer/format-chatgpt";
import * as claude from "chat/transfer/format-claude";
import * as openwebui from "chat/transfer/format-openwebui";
import * as own from "chat/transfer/format-own";
import { byName, conversationFrom, withoutCycles } from "chat/transfer/format-tree";
import { newId } from "chat/device/ids";
import { isZip } from "chat/files/kinds";

/** Bytes of the largest file that is read: browsers hold no longer text. */
const MAX_BYTES = 400_000_000;
const FOREIGN = [chatgpt, claude, openwebui];

/**
 * The effect of importing a file: {records, added, merged, unchanged}, which count its chats. `models` has the ids of the catalog, and
 * `fallback` the models to go on with where a chat's own are not among them. Throws an Error that names the file's problem.
 */
export async function planImport(store, file, { models = [], fallback = [] } = {}) {
  if (file.size > MAX_BYTES) throw new Error("This file is larger than 400 MB. Export fewer chats at a time.");
  const data = await parsed(file);
  const chats = await readChats(data, { models: byName(models), fallback });
  const here = {
    messages: new Map((await store.allMessages()).map(({ id, conversation }) => [id, conversation])),
    files: new Map((await store.allFiles()).map(({ id, conversation }) => [id, conversation])),
  };
  const [{ folders, ids }, templates] = await Promise.all([planFolders(store, data), newTemplates(store, data)]);
  const plan = { records: { conversations: [], messages: [], files: [], folders, templates }, added: 0, merged: 0, unchanged: 0 };
  const planned = new Set();
  for (const chat of chats) {
    chat.conversation.folder = ids.get(chat.conversation.folder) ?? null;
    add(plan, chat, await store.conversation(chat.conversation.id), here, planned);
    planned.add(chat.conversation.id);
    for (const kind of ["messages", "files"]) for (const { id } of chat[kind]) here[kind].set(id, chat.conversation.id);
  }
  return plan;
}

/** The folders of a file that are new here, and a Map of the file's ids to those here. Folders of one name are one. */
async function planFolders(store, data) {
  const stored = await store.folders();
  const folders = [];
  const ids = new Map();
  for (const folder of own.foldersOf(data)) {
    const known = [...stored, ...folders];
    const here = known.find(({ id }) => id === folder.id) ?? known.find(({ name }) => name === folder.name);
    if (!here) folders.push(folder);
    ids.set(folder.id, (here ?? folder).id);
  }
  return { folders, ids };
}

/** The prompt templates of a file that are new here. */
async function newTemplates(store, data) {
  const stored = await store.templates();
  return withoutTwins(own.templatesOf(data)).filter(({ id, name, text }) => !stored.some((here) => here.id === id || (here.name === name && here.text === text)));
}

async function parsed(file) {
  if (isZip(new Uint8Array(await file.slice(0, 4).arrayBuffer()))) throw new Error("This is a ZIP file. Unpack it and import conversations.json.");
  try {
    return JSON.parse(await file.text());
  } catch {
    throw new Error("This isn't a JSON file.");
  }
}

/** The chats of a file, each as {conversation, messages, files}. */
async function readChats(data, models) {
  const ours = own.chatsOf(data);
  const format = ours ? own : FOREIGN.find(({ recognizes }) => list(data).some(recognizes));
  if (!format) throw new Error("This file isn't a chat export of this site, ChatGPT, Claude or Open WebUI.");
  const chats = [];
  for (const [at, raw] of (ours ?? list(data)).entries()) {
    try {
      const chat = ours ? await own.readConversation(raw) : conversationFrom(format.read(raw), models);
      if (ours || chat.messages.length) chats.push({ ...chat, messages: withoutCycles(withoutTwins(chat.messages)), files: withoutTwins(chat.files) });
    } catch (error) {
      if (error.readable) throw error;
      throw new Error(`Chat ${at + 1} of this file is damaged. Nothing was imported.`);
    }
  }
  return chats;
}

const list = (data) => (Array.isArray(data) ? data : [data]);

const withoutTwins = (records) => [...new Map(records.map((record) => [record.id, record])).values()];

/** Adds a chat to the plan; `here` is the chat of the same id that is stored. Nothing stored is ever overwritten. */
function add(plan, { conversation, messages, files }, stored, here, planned) {
  const isElsewhere = (known) => ({ id }) => known.has(id) && known.get(id) !== conversation.id;
  const clash = planned.has(conversation.id) || messages.some(isElsewhere(here.messages)) || files.some(isElsewhere(here.files));
  if (clash) renewIds(conversation, messages, files);
  let [newMessages, newFiles, kept] = [messages, files, conversation];
  if (stored && !clash) {
    newMessages = messages.filter(({ id }) => !here.messages.has(id));
    newFiles = files.filter(({ id }) => !here.files.has(id));
    if (!newMessages.length && !newFiles.length) {
      plan.unchanged += 1;
      return;
    }
    kept = conversation.updated > stored.updated ? { ...stored, leaf: conversation.leaf, updated: conversation.updated } : stored;
    plan.merged += 1;
  } else plan.added += 1;
  plan.records.conversations.push(kept);
  for (const message of newMessages) plan.records.messages.push(message);
  for (const file of newFiles) plan.records.files.push(file);
}

/** Assigns new ids everywhere, because the file's ids are taken by another conversation here. */
function renewIds(conversation, messages, files) {
  const ids = new Map();
  const fresh = (old) => ids.get(old) ?? ids.set(old, newId()).get(old);
  const old = conversation.id;
  conversation.id = fresh(old);
  conversation.leaf = conversation.leaf && fresh(conversation.leaf);
  for (const message of messages) {
    message.id = fresh(message.id);
    message.conversation = conversation.id;
    message.parent = message.parent && fresh(message.parent);
    renameFiles(message, fresh);
    if (message.shown) message.shown = Object.fromEntries(Object.entries(message.shown).map(([slot, shown]) => [slot, fresh(shown)]));
  }
  for (const file of files) {
    file.id = fresh(file.id);
    file.conversation = conversation.id;
  }
}
