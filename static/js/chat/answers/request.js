/* Builds the API request for an answer. */

import { fenced } from "chat/drawing/fences";
import { answerFor } from "chat/device/tree";
import { isLink } from "chat/device/attached";
import { dataUrl } from "chat/files/data-url";
import { pdfText } from "chat/files/pdf";
import { preferencesOf } from "chat/picker/preferences";

/** Conversation parameters that are sent unchanged. */
export const NUMBERS = [
  "temperature", "top_p", "top_k", "min_p", "max_tokens", "frequency_penalty", "presence_penalty", "repetition_penalty", "seed",
];

/** Before the images of an answer, which go along with the question after it: few providers take images of an answer. */
const EARLIER_IMAGES = "The images of the answer above:";
/** Sent after an answer that was cut, and not shown. It works for every model; few can extend a last assistant message. */
const GO_ON = "Your answer was cut off. Continue it exactly where it stops, with its very next character. Repeat nothing and add no remark.";

/** Request body for `model` in `slot`: the turns before `question`, then the question, then the `cut` text of an answer
    that is to be continued. `accepts(kind)` tells what the model takes, `output` is a list of what it gives, and `load(id)`
    loads a file. */
export async function requestFor({ conversation, turns, question, model, slot, cut = "", accepts, output = ["text"], load }) {
  const messages = [];
  let made = []; // images of the last answer
  if (conversation.system?.trim()) messages.push({ role: "system", content: conversation.system });
  for (const turn of turns) {
    if (turn.question.id === question.id) break;
    messages.push({ role: "user", content: await contentOf(turn.question, accepts, load, made) });
    const answer = answerFor(turn, model, slot);
    if (answer) messages.push({ role: "assistant", content: answer.text || "(an image)" });
    made = answer?.images ?? [];
  }
  messages.push({ role: "user", content: await contentOf(question, accepts, load, made) });
  if (cut) messages.push({ role: "assistant", content: cut }, { role: "user", content: GO_ON });
  const search = conversation.web ? { plugins: [{ id: "web" }] } : {};
  const modalities = output.includes("image") ? { modalities: output.filter((kind) => kind === "text" || kind === "image") } : {};
  return { model, messages, stream: true, ...settingsOf(conversation.params ?? {}), ...search, ...modalities };
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

/** A question's text and files, without those that the model does not support. `made` are the images of the answer
    before it. */
export async function contentOf(question, accepts, load, made = []) {
  const earlier = accepts("image") ? (await Promise.all(made.map((image) => imagePart(image, load)))).filter(Boolean) : [];
  const texts = [];
  const parts = [];
  for (const id of question.files ?? []) {
    const file = await load(id);
    if (!file) continue;
    const text = await textFor(file, accepts);
    if (text) texts.push(`${file.name}:\n${fenced(text)}`);
    else if (text === null) parts.push(await partOf(file));
  }
  const text = [...texts, question.text].filter(Boolean).join("\n\n");
  if (!parts.length && !earlier.length) return text;
  return [
    ...(earlier.length ? [{ type: "text", text: EARLIER_IMAGES }, ...earlier] : []), ...(text ? [{ type: "text", text }] : []), ...parts,
  ];
}

/** What each kind of file is among a model's inputs. */
const INPUTS = { image: "image", pdf: "file", audio: "audio" };

/** The text of a file that is sent as text; null for one that is sent as it is, "" for one that isn't sent at all. */
async function textFor(file, accepts) {
  if (file.kind === "text") return file.blob.text();
  if (accepts(INPUTS[file.kind]) && !file.as_text) return null;
  if (file.kind !== "pdf") return "";
  if (file.text === undefined || file.problem === "offline") return (await pdfText(file.blob)).text; // not read when it was attached
  return file.text;
}

async function partOf(file) {
  const url = await dataUrl(file.blob);
  if (file.kind === "image") return { type: "image_url", image_url: { url } };
  if (file.kind === "pdf") return { type: "file", file: { filename: file.name, file_data: url } };
  return { type: "input_audio", input_audio: { data: url.slice(url.indexOf(",") + 1), format: file.type === "audio/wav" ? "wav" : "mp3" } };
}

/** The part for an image of an answer; null for one that is not on the device. */
async function imagePart(image, load) {
  if (isLink(image)) return image.startsWith("data:") ? { type: "image_url", image_url: { url: image } } : null;
  const file = await load(image);
  return file && partOf(file);
}
