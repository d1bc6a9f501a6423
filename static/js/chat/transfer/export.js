/* Export: JSON with everything, which can be imported again, and Markdown for reading. */

import { FORMAT, STATUSES, VERSION } from "chat/transfer/format-own";
import { dataUrl } from "chat/files/data-url";
import { turnsTo } from "chat/device/tree";
import { fenced } from "chat/drawing/fences";
import { indented } from "chat/drawing/json";

/** A JSON blob with these conversations, their files and folders; `whole`: with all folders and prompt templates, too. */
export async function toJson(store, conversations, { whole = false } = {}) {
  const used = new Set(conversations.map(({ folder }) => folder));
  const head = { format: FORMAT, version: VERSION, exported_at: new Date().toISOString() };
  const folders = (await store.folders()).filter(({ id }) => whole || used.has(id));
  if (folders.length) head.folders = folders;
  if (whole) head.templates = await store.templates();
  const parts = [`${JSON.stringify(head).slice(0, -1)},"conversations":[`];
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

/** A Markdown blob with the branch that is shown. It names the attachments and the model of each answer, and says where
    there are other versions. */
export function toMarkdown(conversation, messages, files, nameOf) {
  const names = new Map(files.map(({ id, name }) => [id, name]));
  const lines = [`# ${(conversation.title || "Chat").replace(/\s+/g, " ")}`, ""];
  if (conversation.system?.trim()) lines.push(`> ${conversation.system.trim().replace(/\n/g, "\n> ")}`, "");
  for (const { question, versions, columns } of turnsTo(new Map(messages.map((message) => [message.id, message])), conversation.leaf)) {
    lines.push("## You", "", ...versionLine(question, versions), ...(question.text ? [question.text, ""] : []));
    const attached = (question.files ?? []).map((id) => names.get(id) ?? "a file that is no longer stored");
    if (attached.length) lines.push(`Attached: ${attached.join(", ")}`, "");
    for (const { shown, versions: others } of columns) lines.push(`## ${nameOf(shown.model)}`, "", ...versionLine(shown, others), ...answerLines(shown), "");
  }
  return new Blob([lines.join("\n")], { type: "text/markdown" });
}

const versionLine = (message, versions) => (versions.length > 1 ? [`*Version ${versions.indexOf(message) + 1} of ${versions.length}*`, ""] : []);

function answerLines({ text, images = [], sources = [], search, calls = [], status, error }) {
  const parts = [];
  if (search?.query) parts.push(`*Searched the web for:* ${code(search.query)}`);
  parts.push(text || (images.length || calls.length ? "" : "*(no answer)*"));
  for (const call of calls) {
    const pretty = indented(call.arguments || "{}");
    parts.push(`*Tool call:* ${code(call.name || "a tool")}`, fenced(pretty ?? call.arguments, "json"), pretty === null ? "*(incomplete)*" : "*(not run)*");
  }
  if (images.length) parts.push(images.length === 1 ? "*(1 generated image, in the JSON export)*" : `*(${images.length} generated images, in the JSON export)*`);
  if (sources.length) parts.push(sources.map(({ url, title }) => `- [${(title || url).replace(/[[\]\\]/g, "\\$&")}](<${url}>)`).join("\n"));
  if (status === "failed" && error?.text) parts.push(`*(failed: ${error.text})*`);
  else if (text && status !== "done") parts.push("*(cut off)*");
  return [parts.filter(Boolean).join("\n\n")];
}

/** A text in one line, as code that nothing in it ends. */
function code(text) {
  const line = text.replace(/\s+/g, " ").trim();
  const ticks = "`".repeat([...line.matchAll(/`+/g)].reduce((longest, [run]) => Math.max(longest, run.length + 1), 1));
  return ticks.length > 1 ? `${ticks} ${line} ${ticks}` : `\`${line}\``;
}

/** A file name for a title. */
export function fileName(title, extension) {
  const name = title.normalize("NFKD").replace(/[^\p{L}\p{N} _-]+/gu, "").trim().replace(/\s+/g, "-").slice(0, 60).toLowerCase();
  return `${name || "chat"}.${extension}`;
}
