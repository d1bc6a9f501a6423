/* Open WebUI's export: a list of {chat: {history: {messages}}}, or of the chats alone. */

import { isObject, list, text, time } from "chat/device/checks";

const [BEFORE_THOUGHTS, AFTER_THOUGHTS] = ['<details type="reasoning"', "</details>"];

export const recognizes = (raw) => isObject((raw?.chat ?? raw)?.history?.messages);

/** One chat, for `conversationFrom`. */
export function read(raw) {
  const chat = raw.chat ?? raw;
  const nodes = Object.entries(chat.history.messages).map(([id, message]) => ({ id, parent: text(message?.parentId) || null, ...readMessage(message) }));
  return {
    id: text(raw.id) || text(chat.id), title: text(raw.title) || chat.title, created: time(raw.created_at ?? chat.timestamp),
    updated: time(raw.updated_at ?? chat.timestamp), pinned: raw.pinned, system: text(chat.params?.system) || text(chat.system),
    leaf: chat.history.currentId, nodes,
  };
}

function readMessage(message) {
  const role = ["user", "assistant"].includes(message?.role) ? message.role : null;
  if (!role) return { role };
  const written = text(message.content);
  const [content, reasoning] = role === "assistant" ? withoutThoughts(written) : [written, ""];
  const error = message.error ? text(message.error.content) || text(message.error) || "The answer failed." : null;
  return {
    role, text: content, reasoning, error,
    model: text(message.model, 200), slot: message.modelIdx, created: time(message.timestamp),
    missing: list(message.files).map((file) => text(file?.name, 200) || (file?.type === "image" ? "image" : "file")),
  };
}

/** [text, reasoning] of an answer: its thoughts stand in it as folded quotes. */
function withoutThoughts(written) {
  const [rest, thoughts] = [[], []];
  let at = 0;
  for (;;) {
    const start = written.indexOf(BEFORE_THOUGHTS, at);
    const end = start < 0 ? -1 : written.indexOf(AFTER_THOUGHTS, start);
    if (end < 0) break;
    rest.push(written.slice(at, start));
    const inner = written.slice(written.indexOf(">", start) + 1, end);
    thoughts.push(inner.replace(/^\s*<summary>[^<]*<\/summary>/, "").trim().replace(/^(?:>|&gt;) ?/gm, ""));
    at = end + AFTER_THOUGHTS.length;
  }
  return thoughts.length ? [[...rest, written.slice(at)].join("").trim(), thoughts.join("\n\n")] : [written, ""];
}
