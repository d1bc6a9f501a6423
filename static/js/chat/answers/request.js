/* Builds the API request for an answer. */

import { fenced } from "chat/drawing/fences";
import { answerFor } from "chat/device/tree";
import { preferencesOf } from "chat/picker/preferences";

/** Conversation parameters that are sent unchanged. */
export const NUMBERS = [
  "temperature", "top_p", "top_k", "min_p", "max_tokens", "frequency_penalty", "presence_penalty", "repetition_penalty", "seed",
];

/** Sent after an answer that was cut, and not shown. It works for every model; few can extend a last assistant message. */
const GO_ON = "Your answer was cut off. Continue it exactly where it stops, with its very next character. Repeat nothing and add no remark.";

/** Request body for `model` in `slot`: the turns before `question`, then the question, then the `cut` text of an answer
    that is to be continued. `load(id)` loads a file. */
export async function requestFor({ conversation, turns, question, model, slot, cut = "", accepts, load }) {
  const messages = [];
  if (conversation.system?.trim()) messages.push({ role: "system", content: conversation.system });
  for (const turn of turns) {
    if (turn.question.id === question.id) break;
    messages.push({ role: "user", content: await contentOf(turn.question, accepts, load) });
    const answer = answerFor(turn, model, slot);
    if (answer) messages.push({ role: "assistant", content: answer.text });
  }
  messages.push({ role: "user", content: await contentOf(question, accepts, load) });
  if (cut) messages.push({ role: "assistant", content: cut }, { role: "user", content: GO_ON });
  const search = conversation.web ? { plugins: [{ id: "web" }] } : {};
  return { model, messages, stream: true, ...settingsOf(conversation.params ?? {}), ...search };
}

function settingsOf(params) {
  const settings = {};
  for (const name of NUMBERS) if (Number.isFinite(params[name])) settings[name] = params[name];
  if (params.stop?.length) settings.stop = params.stop.slice(0, 4);
  if (params.effort) settings.reasoning = { effort: params.effort };
  const provider = preferencesOf(params);
  if (Object.keys(provider).length) settings.provider = provider;
  return settings;
}

/** A question's text and files, without those that the model does not support. */
async function contentOf(question, accepts, load) {
  const texts = [];
  const parts = [];
  for (const id of question.files ?? []) {
    const file = await load(id);
    if (!file) continue;
    if (file.kind === "text") texts.push(`${file.name}:\n${fenced(await file.blob.text())}`);
    else if (file.kind === "image" && accepts("image")) parts.push({ type: "image_url", image_url: { url: await dataUrl(file.blob) } });
    else if (file.kind === "pdf" && accepts("file")) {
      parts.push({ type: "file", file: { filename: file.name, file_data: await dataUrl(file.blob) } });
    }
  }
  const text = [...texts, question.text].filter(Boolean).join("\n\n");
  return parts.length ? [...(text ? [{ type: "text", text }] : []), ...parts] : text;
}

/** Resolves to a blob's data: URL. */
export function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
