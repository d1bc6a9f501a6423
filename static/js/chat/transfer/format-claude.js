/* Claude's export, conversations.json: a list of chats with `chat_messages`. */

import { list, text, time } from "chat/device/checks";
import { fenced } from "chat/drawing/fences";

export const recognizes = (chat) => Array.isArray(chat?.chat_messages);

/** One chat, for `conversationFrom`. */
export function read(chat) {
  const messages = list(chat.chat_messages).filter((message) => message && typeof message === "object");
  const ids = messages.map((message, at) => text(message.uuid) || `m${at}`);
  const known = new Set(ids);
  const nodes = messages.map((message, at) => {
    // Older exports have one branch and no parents.
    const parent = text(message.parent_message_uuid);
    const before = parent ? (known.has(parent) ? parent : null) : ids[at - 1] ?? null;
    return { id: ids[at], parent: before, ...readMessage(message, text(chat.model, 100)) };
  });
  return {
    id: text(chat.uuid), title: chat.name, created: time(chat.created_at), updated: time(chat.updated_at), pinned: chat.is_starred,
    leaf: text(chat.current_leaf_message_uuid) || ids.at(-1), nodes,
  };
}

function readMessage(message, model) {
  const role = { human: "user", assistant: "assistant" }[text(message.sender)] ?? null;
  const parts = list(message.content);
  const content = parts.map(textOf).filter(Boolean).join("\n\n") || text(message.text);
  const reasoning = parts.filter((part) => part?.type === "thinking").map((part) => text(part.thinking)).filter(Boolean).join("\n\n");
  const attachments = list(message.attachments);
  const files = role === "user" ? attachments.filter((file) => text(file?.extracted_content)).map((file) => ({ name: text(file.file_name, 200), text: file.extracted_content })) : [];
  const kept = new Set(files.map(({ name }) => name));
  const names = [...attachments, ...list(message.files)].map((file) => text(file?.file_name, 200) || "file");
  const missing = [...new Set(names)].filter((name) => !kept.has(name));
  const shows = content || reasoning || missing.length || files.length;
  return { role: shows ? role : null, text: content, reasoning, model: `anthropic/${model || "claude"}`, created: time(message.created_at), missing, files };
}

/** The text of a part; of a tool's call, what it was asked to write or run. */
function textOf(part) {
  if (part?.type === "text") return text(part.text);
  if (part?.type !== "tool_use") return "";
  const input = part.input ?? {};
  const content = text(input.content) || text(input.code) || JSON.stringify(input, null, 2);
  return `${text(input.title, 200) || text(part.name, 100)}:\n\n${fenced(content)}`;
}
