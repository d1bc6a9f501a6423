/* Export and import: JSON with everything, which can be imported again, and Markdown for reading.

   Imports are untrusted, so each field is validated and copied. */

import { newId } from "chat/ids";
import { dataUrl } from "chat/request";
import { turnsTo } from "chat/tree";

const FORMAT = "chat-export";
const VERSION = 1;
const STATUSES = new Set(["done", "stopped", "failed", "interrupted"]);
const KINDS = new Set(["image", "pdf", "text"]);
const USAGE = [
  "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "cache_write_tokens", "cache_write_1h_tokens",
];

// --- Export ---------------------------------------------------------------------------------------

/** A JSON blob with these conversations and their files. */
export async function toJson(store, conversations) {
  const parts = [`{"format":"${FORMAT}","version":${VERSION},"exported_at":${JSON.stringify(new Date().toISOString())},"conversations":[`];
  // In parts, because many images would exceed the maximum string length.
  for (const [at, conversation] of conversations.entries()) {
    const messages = (await store.messages(conversation.id)).sort((a, b) => a.created - b.created);
    const files = await Promise.all((await store.files(conversation.id)).map(async ({ blob, ...file }) => ({ ...file, data: await dataUrl(blob) })));
    parts.push(`${at ? "," : ""}\n${JSON.stringify({ ...conversation, messages: messages.map(storable), files })}`);
  }
  parts.push("\n]}\n");
  return new Blob(parts, { type: "application/json" });
}

function storable(message) {
  const { queued, key, ...rest } = message;
  return rest.role === "assistant" && !STATUSES.has(rest.status) ? { ...rest, status: "interrupted" } : rest;
}

/** A Markdown blob with the branch that is shown. */
export function toMarkdown(conversation, messages, nameOf) {
  const lines = [`# ${conversation.title || "Chat"}`, ""];
  if (conversation.system?.trim()) lines.push(`> ${conversation.system.trim().replace(/\n/g, "\n> ")}`, "");
  for (const { question, columns } of turnsTo(new Map(messages.map((message) => [message.id, message])), conversation.leaf)) {
    lines.push("## You", "", question.text, "");
    for (const { shown } of columns) lines.push(`## ${nameOf(shown.model)}`, "", shown.text || "*(no answer)*", "");
  }
  return new Blob([lines.join("\n")], { type: "text/markdown" });
}

/** A file name for a title. */
export function fileName(title, extension) {
  const name = title.normalize("NFKD").replace(/[^\p{L}\p{N} _-]+/gu, "").trim().replace(/\s+/g, "-").slice(0, 60).toLowerCase();
  return `${name || "chat"}.${extension}`;
}

// --- Import ---------------------------------------------------------------------------------------

/** The effect of an import: {records, added, merged, unchanged}. Throws an Error that names the file's problem. */
export async function planImport(store, text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    throw new Error("This isn't a JSON file.");
  }
  if (data?.format !== FORMAT || !Array.isArray(data.conversations)) throw new Error("This file isn't a chat export.");
  if (!(data.version <= VERSION)) throw new Error("This export is from a newer version of this site.");
  const known = new Map((await store.allMessages()).map(({ id, conversation }) => [id, conversation]));
  const knownFiles = new Map((await store.allFiles()).map(({ id, conversation }) => [id, conversation]));
  const plan = { records: { conversations: [], messages: [], files: [] }, added: 0, merged: 0, unchanged: 0 };
  for (const raw of data.conversations) {
    const { conversation, messages, files } = await readConversation(raw);
    const here = await store.conversation(conversation.id);
    const clash = messages.some(({ id }) => known.has(id) && known.get(id) !== conversation.id) ||
      files.some(({ id }) => knownFiles.has(id) && knownFiles.get(id) !== conversation.id);
    if (clash) renewIds(conversation, messages, files);
    if (here && !clash) {
      const fresh = messages.filter(({ id }) => !known.has(id));
      const freshFiles = files.filter(({ id }) => !knownFiles.has(id));
      if (!fresh.length && !freshFiles.length) {
        plan.unchanged += 1;
        continue;
      }
      plan.merged += 1;
      plan.records.conversations.push(conversation.updated > here.updated ? { ...here, leaf: conversation.leaf, updated: conversation.updated } : here);
      plan.records.messages.push(...fresh);
      plan.records.files.push(...freshFiles);
    } else {
      plan.added += 1;
      plan.records.conversations.push(conversation);
      plan.records.messages.push(...messages);
      plan.records.files.push(...files);
    }
  }
  return plan;
}

const text = (value, maxLength = 10_000_000) => (typeof value === "string" ? value.slice(0, maxLength) : "");
const number = (value) => (Number.isFinite(value) && value >= 0 ? value : 0);
const id = (value) => (typeof value === "string" && /^[\w-]{1,64}$/.test(value) ? value : newId());
const list = (value) => (Array.isArray(value) ? value : []);
const plain = (value) => (value && typeof value === "object" && !Array.isArray(value) ? JSON.parse(JSON.stringify(value)) : {});

async function readConversation(raw) {
  const conversation = {
    id: id(raw?.id),
    title: text(raw?.title, 200),
    titled: raw?.titled === "user" ? "user" : "auto",
    created: number(raw?.created),
    updated: number(raw?.updated),
    pinned: raw?.pinned === true,
    models: list(raw?.models).filter((model) => typeof model === "string").map((model) => model.slice(0, 200)).slice(0, 4),
    system: text(raw?.system, 200_000),
    params: plain(raw?.params),
    web: raw?.web === true,
    leaf: null,
  };
  if (!conversation.models.length) throw new Error(`“${conversation.title || "A chat"}” has no model. The file is damaged.`);
  const files = (await Promise.all(list(raw.files).map((file) => readFile(file, conversation.id)))).filter(Boolean);
  const kept = new Set(files.map((file) => file.id));
  const messages = list(raw.messages).map((message) => readMessage(message, conversation.id, kept)).filter(Boolean);
  const ids = new Set(messages.map((message) => message.id));
  for (const message of messages) if (!ids.has(message.parent)) message.parent = null;
  conversation.leaf = ids.has(raw.leaf) ? raw.leaf : messages.at(-1)?.id ?? null;
  return { conversation, messages, files };
}

function readMessage(raw, conversation, files) {
  const base = { id: id(raw?.id), conversation, parent: raw?.parent ? id(raw.parent) : null, role: raw?.role, created: number(raw?.created), text: text(raw?.text) };
  if (base.role === "user") {
    const message = { ...base, files: list(raw.files).filter((file) => files.has(file)) };
    if (raw.shown) message.shown = Object.fromEntries(Object.entries(plain(raw.shown)).filter(([slot, shown]) => /^[0-3]$/.test(slot) && typeof shown === "string"));
    return message;
  }
  if (base.role !== "assistant") return null;
  const message = {
    ...base, slot: Math.min(3, Math.trunc(number(raw.slot))), model: text(raw.model, 200) || "unknown",
    status: STATUSES.has(raw.status) ? raw.status : "interrupted", error: raw.error ? readError(raw.error) : null, meta: readMeta(raw.meta),
  };
  const earlier = list(raw.earlier).map((part) => readMeta({ ...part, usage: { completion_tokens: part?.tokens } }))
    .filter(({ usage }) => usage).map(({ cost, usage, generation_id }) => ({ cost, tokens: usage.completion_tokens, generation_id }));
  if (earlier.length) message.earlier = earlier;
  if (raw.reasoning) message.reasoning = text(raw.reasoning);
  if (raw.thought_ms) message.thought_ms = number(raw.thought_ms);
  const images = list(raw.images).filter((image) => /^data:image\/(png|jpeg|webp|gif);base64,[\w+/=]+$/.test(image));
  if (images.length) message.images = images;
  const sources = list(raw.sources).filter((source) => /^https?:\/\//.test(source?.url)).map(({ url, title }) => ({ url, title: text(title, 500) }));
  if (sources.length) message.sources = sources;
  return message;
}

function readError(raw) {
  return { status: number(raw.status), text: text(raw.text, 5000), error_type: text(raw.error_type, 100) };
}

function readMeta(raw) {
  const meta = {};
  for (const name of ["generation_id", "model", "provider", "finish"]) if (raw?.[name]) meta[name] = text(raw[name], 200);
  if (typeof raw?.simulated === "boolean") meta.simulated = raw.simulated;
  if (raw?.usage && /^\d+(\.\d{1,12})?$/.test(raw.cost)) {
    meta.usage = { estimated: raw.usage.estimated === true };
    for (const name of USAGE) {
      meta.usage[name] = Math.trunc(number(raw.usage[name]));
    }
    meta.cost = raw.cost;
    if (number(raw.web_searches)) meta.web_searches = Math.trunc(number(raw.web_searches));
    meta.latency_ms = number(raw.latency_ms);
    meta.duration_ms = number(raw.duration_ms);
  }
  return meta;
}

async function readFile(raw, conversation) {
  const found = /^data:([\w.+-]+\/[\w.+-]+)?(?:;[\w=-]+)*;base64,([\w+/=]*)$/.exec(raw?.data ?? "");
  if (!found || !KINDS.has(raw.kind)) return null;
  const bytes = Uint8Array.from(atob(found[2]), (character) => character.charCodeAt(0));
  const type = raw.kind === "image" && !/^image\/(png|jpeg|webp|gif)$/.test(found[1]) ? "image/png" : found[1] ?? "text/plain";
  return { id: id(raw.id), conversation, kind: raw.kind, name: text(raw.name, 200) || "file", type, size: bytes.length, blob: new Blob([bytes], { type }) };
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
    if (message.files) message.files = message.files.map(fresh);
    if (message.shown) message.shown = Object.fromEntries(Object.entries(message.shown).map(([slot, shown]) => [slot, fresh(shown)]));
  }
  for (const file of files) {
    file.id = fresh(file.id);
    file.conversation = conversation.id;
  }
}
