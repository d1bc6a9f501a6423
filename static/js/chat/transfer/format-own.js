/* This site's own export. Imports are untrusted, so each field is validated and copied. */

import { id, instant, list, number, plain, readable, text } from "chat/device/checks";
import { blobOf } from "chat/files/data-url";
import { shownName } from "chat/files/names";

export const FORMAT = "chat-export";
export const VERSION = 1;
export const STATUSES = new Set(["done", "stopped", "failed", "interrupted"]);
/** Models that answer side by side in one chat, at most. */
export const MOST_MODELS = 6;
const RATINGS = new Set(["good", "bad"]);
const KINDS = new Set(["image", "pdf", "text", "audio"]);
/** Types that a kind of file may have, the first one for a file that says another. */
const TYPES = { image: ["image/png", "image/jpeg", "image/webp", "image/gif"], audio: ["audio/wav", "audio/mpeg"], pdf: ["application/pdf"] };
const PROBLEMS = new Set(["images", "damaged", "offline"]);
const USAGE = [
  "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "cache_write_tokens", "cache_write_1h_tokens",
  "audio_tokens", "image_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens", "search_units",
];

/** The chats of a file, each as it is written there. Throws an Error for a file of a newer version. */
export function chatsOf(data) {
  if (data?.format !== FORMAT || !Array.isArray(data.conversations)) return null;
  if (!(data.version <= VERSION)) throw new Error("This export is from a newer version of this site.");
  return data.conversations;
}

/** The folders of a file. */
export const foldersOf = (data) => list(data?.folders).map((raw) => ({
  id: id(raw?.id), name: text(raw?.name, 200) || "Folder", created: instant(raw?.created), collapsed: raw?.collapsed === true,
}));

/** The prompt templates of a file. */
export const templatesOf = (data) => list(data?.templates).filter((raw) => text(raw?.text)).map((raw) => ({
  id: id(raw.id), name: text(raw.name, 200) || "Template", text: text(raw.text, 200_000), created: instant(raw.created),
}));

/** A chat of a file, as {conversation, messages, files}. Throws an Error that names the fault. */
export async function readConversation(raw) {
  const conversation = {
    id: id(raw?.id),
    title: text(raw?.title, 200),
    titled: raw?.titled === "user" ? "user" : "auto",
    created: instant(raw?.created),
    updated: instant(raw?.updated),
    pinned: raw?.pinned === true,
    models: list(raw?.models).filter((model) => typeof model === "string").map((model) => model.slice(0, 200)).slice(0, MOST_MODELS),
    system: text(raw?.system, 200_000),
    params: plain(raw?.params),
    web: raw?.web === true,
    leaf: null,
    folder: raw?.folder ? id(raw.folder) : null,
  };
  if (!conversation.models.length) throw readable(`“${conversation.title || "A chat"}” has no model. The file is damaged.`);
  const files = (await Promise.all(list(raw.files).map((file) => readFile(file, conversation.id)))).filter(Boolean);
  const kept = new Set(files.map((file) => file.id));
  const messages = list(raw.messages).map((message) => readMessage(message, conversation.id, kept)).filter(Boolean);
  const ids = new Set(messages.map((message) => message.id));
  for (const message of messages) if (!ids.has(message.parent)) message.parent = null;
  conversation.leaf = ids.has(raw.leaf) ? raw.leaf : messages.at(-1)?.id ?? null;
  return { conversation, messages, files };
}

function readMessage(raw, conversation, files) {
  const base = { id: id(raw?.id), conversation, parent: raw?.parent ? id(raw.parent) : null, role: raw?.role, created: instant(raw?.created), text: text(raw?.text) };
  if (base.role === "user") {
    const message = { ...base, files: list(raw.files).filter((file) => files.has(file)) };
    if (raw.shown) message.shown = Object.fromEntries(Object.entries(plain(raw.shown)).filter(([slot, shown]) => /^\d$/.test(slot) && Number(slot) < MOST_MODELS && typeof shown === "string"));
    if (Number.isInteger(raw.basis) && raw.basis >= 0 && raw.basis < MOST_MODELS) message.basis = raw.basis;
    return message;
  }
  if (base.role !== "assistant") return null;
  const message = {
    ...base, slot: Math.min(MOST_MODELS - 1, Math.trunc(number(raw.slot))), model: text(raw.model, 200) || "unknown",
    status: STATUSES.has(raw.status) ? raw.status : "interrupted", error: raw.error ? readError(raw.error) : null, meta: readMeta(raw.meta),
  };
  const earlier = list(raw.earlier).map((part) => readMeta({ ...part, usage: { completion_tokens: part?.tokens } }))
    .filter(({ usage }) => usage).map(({ cost, usage, generation_id }) => ({ cost, tokens: usage.completion_tokens, generation_id }));
  if (earlier.length) message.earlier = earlier;
  if (raw.reasoning) message.reasoning = text(raw.reasoning);
  if (raw.thought_ms) message.thought_ms = number(raw.thought_ms);
  const images = list(raw.images).filter((image) => files.has(image) || /^(data:image\/(png|jpeg|webp|gif);base64,[\w+/=]+|https?:\/\/[^\s]{1,2000})$/.test(image));
  if (images.length) message.images = images;
  const sources = readPages(raw.sources);
  if (sources.length) message.sources = sources;
  if (raw.search?.query) message.search = { query: text(raw.search.query, 10_000), pages: readPages(raw.search.pages) };
  const calls = list(raw.calls).map((call) => ({ id: text(call?.id, 200), name: text(call?.name, 200), arguments: text(call?.arguments) }));
  if (calls.length) message.calls = calls;
  if (raw.feedback && RATINGS.has(raw.feedback.rating)) {
    message.feedback = { rating: raw.feedback.rating, category: text(raw.feedback.category, 20), comment: text(raw.feedback.comment, 1000) };
  }
  return message;
}

const readPages = (raw) => list(raw).filter((page) => /^https?:\/\//.test(page?.url)).map(({ url, title }) => ({ url, title: text(title, 500) }));

function readError(raw) {
  const error = { status: number(raw.status), text: text(raw.text, 5000), error_type: text(raw.error_type, 100) };
  const codes = list(raw.excluded_by).filter((code) => typeof code === "string").slice(0, 20);
  return codes.length ? { ...error, excluded_by: codes } : error;
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
  const blob = KINDS.has(raw?.kind) ? blobOf(raw.data) : null;
  if (!blob) return null;
  const types = TYPES[raw.kind];
  const type = types && !types.includes(blob.type) ? types[0] : blob.type || "text/plain";
  const file = { id: id(raw.id), conversation, kind: raw.kind, name: shownName(text(raw.name, 200)), type, size: blob.size, blob: blob.slice(0, blob.size, type) };
  return raw.kind === "pdf" ? { ...file, ...readPdf(raw) } : file;
}

/** The fields of a PDF with its text. */
function readPdf(raw) {
  const fields = typeof raw.text === "string" ? { text: text(raw.text) } : {};
  for (const name of ["pages", "pages_read"]) if (number(raw[name])) fields[name] = Math.trunc(number(raw[name]));
  if (PROBLEMS.has(raw.problem)) fields.problem = raw.problem;
  if (raw.as_text === true) fields.as_text = true;
  return fields;
}
