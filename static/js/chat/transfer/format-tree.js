/* Chats of other programs in the form of this site: questions, each with its answers. */

import { number, readable, text } from "chat/device/checks";
import { MOST_MODELS } from "chat/transfer/format-own";
import { newId } from "chat/device/ids";
import { titleFrom } from "chat/title";

const MAX_TEXT = 200_000_000;

/** The same messages, with a null parent wherever following the parents would lead back. */
export function withoutCycles(messages) {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const checked = new Set();
  for (const first of messages) {
    const way = new Set();
    for (let message = first; message && !checked.has(message.id); message = byId.get(message.parent)) {
      way.add(message.id);
      if (way.has(message.parent)) message.parent = null;
    }
    for (const id of way) checked.add(id);
  }
  return messages;
}

/**
 * {conversation, messages, files} of a chat as a format's module reads it: `{id, title, created, updated, pinned, system,
 * leaf, nodes}`, where nodes are `{id, parent, role, text, reasoning, model, created, slot, error, missing, files}`. Role
 * is "user", "assistant" or null for a node that shows nothing; `missing` names the attachments that the file does not
 * hold, and `files` are texts, {name, text}. An answer that goes on over several nodes becomes one message.
 */
export function conversationFrom(chat, { models, fallback }) {
  const conversation = chat.id && /^[\w-]{1,64}$/.test(chat.id) ? chat.id : newId();
  const nodes = linked(chat.nodes);
  const ids = new Map();
  const idOf = (node) => ids.get(node) ?? ids.set(node, uniqueId(conversation, node.id)).get(node);
  const messages = [];
  const files = [];
  let length = 0;
  for (const node of nodes.values()) {
    const message = node.role === "user" ? questionOf(node) : node.role === "assistant" && node.last ? answerOf(node, models) : null;
    if (!message) continue;
    length += message.text.length;
    if (length > MAX_TEXT) throw readable(`“${text(chat.title, 60) || "A chat"}” is longer than 200 MB. Nothing was imported.`);
    let parent = node.role === "user" ? node.above : node.question;
    if (!parent && node.role === "assistant") {
      // An answer is shown below a question only.
      parent = { id: `${node.id}-q`, created: node.created };
      messages.push({ id: idOf(parent), conversation, parent: null, role: "user", created: node.created, text: "(no question)", files: [] });
      message.created += 1;
    }
    const texts = node.files.map(({ name, text: content }, at) => textFile(conversation, `${idOf(node)}-${at}`, name, content));
    files.push(...texts);
    messages.push({
      id: idOf(node), conversation, parent: parent ? idOf(parent) : null, ...message,
      ...(node.role === "user" ? { files: texts.map(({ id }) => id) } : {}),
    });
  }
  const answers = messages.filter(({ role }) => role === "assistant");
  const used = answers.at(-1)?.model;
  const created = chat.created || messages[0]?.created || 0;
  const shown = shownNode(nodes, chat.leaf);
  return {
    conversation: {
      id: conversation, title: text(chat.title, 200).trim() || titleFrom(messages.find(({ role }) => role === "user")?.text ?? ""), titled: "auto",
      created, updated: Math.max(created, number(chat.updated)), pinned: chat.pinned === true,
      models: !fallback.length || (used && models.get(plainName(used)) === used) ? [used ?? "unknown"] : [...fallback],
      system: text(chat.system, 200_000), params: {}, web: false, leaf: shown ? idOf(shown) : messages.at(-1)?.id ?? null,
    },
    messages,
    files,
  };
}

/** A message's id, the same at each import. Forks of a chat have the same messages, so it begins with the chat's. */
const uniqueId = (conversation, id) => (/^[\w-]{1,47}$/.test(id) ? `${conversation.slice(0, 16)}-${id}` : newId());

/** Nodes by id, parents before children, each with `above`, its nearest ancestor that shows something; of an answer also
    `question` and `parts`, the nodes that it consists of, and `last`, whether it ends there. */
function linked(raw) {
  const byId = new Map(raw.map((node) => [node.id, node]));
  const children = new Map();
  for (const node of withoutCycles([...byId.values()])) {
    const parent = byId.has(node.parent) ? node.parent : null;
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(node);
  }
  const nodes = new Map();
  const open = (children.get(null) ?? []).map((node) => [node, null]).reverse();
  while (open.length) {
    const [node, above] = open.pop();
    nodes.set(node.id, Object.assign(node, { above, last: true, files: node.files ?? [], created: node.created || (above?.created ?? 0) + 1 }));
    if (node.role === "assistant") {
      const goesOn = above?.role === "assistant";
      node.before = goesOn ? above : null;
      node.question = goesOn ? above.question : above;
      if (goesOn) above.last = above.asked;
    } else if (node.role === "user" && above?.role === "assistant") above.last = above.asked = true;
    const nearest = node.role ? node : above;
    for (const child of (children.get(node.id) ?? []).reverse()) open.push([child, nearest]);
  }
  return nodes;
}

function questionOf(node) {
  return { role: "user", created: node.created, text: withMissing(text(node.text), node.missing) };
}

function answerOf(node, models) {
  const parts = [];
  for (let part = node; part; part = part.before) parts.push(part);
  parts.reverse();
  const joined = (name) => parts.map((part) => text(part[name])).filter(Boolean).join("\n\n");
  const message = {
    role: "assistant", created: node.created, text: withMissing(joined("text"), parts.flatMap(({ missing }) => missing ?? [])),
    slot: Math.min(MOST_MODELS - 1, Math.trunc(number(node.slot))), model: modelOf(parts.findLast(({ model }) => model)?.model ?? "unknown", models),
    status: node.error ? "failed" : "done", error: node.error ? { status: 0, text: text(node.error, 5000), error_type: "" } : null, meta: {},
  };
  const reasoning = joined("reasoning");
  return reasoning ? { ...message, reasoning } : message;
}

function withMissing(content, names) {
  if (!names?.length) return content;
  return [content, `[Not included in the import: ${names.map((name) => text(name, 200)).join(", ")}]`].filter(Boolean).join("\n\n");
}

/** Ids of the catalog by name: with and without the author, whatever stands between the words and without a date. */
export function byName(ids) {
  const names = new Map();
  for (const id of ids) for (const name of [ownName(id), plainName(id)]) if (!names.has(name)) names.set(name, id);
  return names;
}

const plainName = (name) => name.toLowerCase().replace(/[._:]/g, "-").replace(/-20\d{6}$/, "");
const ownName = (id) => plainName(id.slice(id.indexOf("/") + 1));

/** The catalog's id of a model; the given name if the catalog does not have it. */
const modelOf = (given, models) => models.get(plainName(given)) ?? models.get(ownName(given)) ?? text(given, 200);

/** The node at which a chat was left, or the nearest before it that is a message. */
function shownNode(nodes, leaf) {
  let node = nodes.get(leaf);
  while (node && !(node.role === "user" || (node.role === "assistant" && node.last))) node = node.above;
  return node;
}

function textFile(conversation, id, name, content) {
  const blob = new Blob([content], { type: "text/plain" });
  return { id: id.slice(-64), conversation, kind: "text", name: text(name, 200) || "file", type: "text/plain", size: blob.size, blob };
}
