/* ChatGPT's export, conversations.json: a list of chats with their tree of messages, `mapping`. */

import { isObject, list, text, time } from "chat/device/checks";
import { fenced } from "chat/drawing/fences";

export const recognizes = (chat) => isObject(chat?.mapping);

/** One chat, for `conversationFrom`. */
export function read(chat) {
  const nodes = Object.entries(chat.mapping).map(([id, node]) => ({ id, parent: text(node?.parent) || null, ...readMessage(node?.message) }));
  for (const node of nodes) if (node.role === "assistant") node.model = modelId(node.model || text(chat.default_model_slug, 100));
  return {
    id: text(chat.conversation_id || chat.id), title: chat.title, created: time(chat.create_time), updated: time(chat.update_time),
    pinned: chat.is_starred, leaf: chat.current_node, nodes,
  };
}

const modelId = (slug) => (slug && slug !== "auto" ? `openai/${slug}` : "openai/chatgpt");

/** A node without a role shows nothing: system messages, and what tools gave the model to read. */
function readMessage(message) {
  const given = isObject(message?.content) ? message.content : {};
  const type = given.content_type;
  const hidden = message?.metadata?.is_visually_hidden_from_conversation === true || type === "user_editable_context";
  const role = { user: "user", assistant: "assistant", tool: "assistant" }[text(message?.author?.role)];
  if (!role || hidden) return { role: null };
  const parts = list(given.parts).map((part) => (typeof part === "string" ? part : part?.content_type === "audio_transcription" ? text(part.text) : ""));
  const missing = missingFrom(message, given);
  let content = parts.filter(Boolean).join("\n\n");
  let reasoning = "";
  if (type === "code" || type === "execution_output") content = block(text(given.text), /^[\w+#.-]{1,30}$/.test(given.language) && given.language !== "unknown" ? given.language : "");
  else if (type === "thoughts") reasoning = list(given.thoughts).map((thought) => [thought?.summary, thought?.content].map((part) => text(part)).filter(Boolean).join("\n\n")).join("\n\n");
  else if (message.author.role === "assistant" && text(message.recipient) && message.recipient !== "all") content = block(content);
  else if (message.author.role === "tool") content = "";
  content = content.replace(/\ue200[^\ue201]*\ue201/g, ""); // citation marks of its page
  if (!content && !reasoning && !missing.length) return { role: null };
  return { role, text: content, reasoning, missing, model: text(message.metadata?.model_slug, 100), created: time(message.create_time) };
}

const block = (content, language = "") => (content ? fenced(content, language) : "");

function missingFrom(message, { parts }) {
  const named = list(message.metadata?.attachments).map((attachment) => text(attachment?.name, 200)).filter(Boolean);
  const pictures = list(parts).filter((part) => part?.content_type === "image_asset_pointer").map(() => "image");
  return named.length ? named : pictures;
}
