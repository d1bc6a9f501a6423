/* About how many tokens a prompt has, before it is sent. The rule is the gateway's (gateway/tokens/): four bytes of text
   are a token, a chat template adds some to each message, and images, documents and recordings have typical sizes. */

import { contentOf } from "chat/answers/request";
import { secondsOf } from "chat/files/audio";

const BYTES_PER_TOKEN = 4;
const encoder = new TextEncoder();

export class PromptSize {
  /** `bytes` of text, `messages`, `images`, and the tokens of `documents`. */
  constructor({ bytes = 0, messages = 0, images = 0, documents = 0 } = {}) {
    Object.assign(this, { bytes, messages, images, documents });
  }

  plus(other) {
    const sum = (name) => this[name] + other[name];
    return new PromptSize({ bytes: sum("bytes"), messages: sum("messages"), images: sum("images"), documents: sum("documents") });
  }

  /** Tokens without documents, whose real size only the provider knows. */
  sure({ per_message: perMessage, per_prompt: perPrompt, image }) {
    return Math.floor(this.bytes / BYTES_PER_TOKEN) + perMessage * this.messages + perPrompt + image * this.images;
  }

  /** Tokens for a model with this context length; 0 if it is not known. */
  tokens(rule, context) {
    return this.sure(rule) + (context ? Math.min(this.documents, context) : this.documents);
  }
}

export const ofText = (text) => new PromptSize({ bytes: encoder.encode(text).length, messages: 1 });

/** What a file adds to the message that it is attached to, for a model that accepts what `accepts(kind)` says. */
export async function ofFile(file, accepts, rule) {
  // The tokens of an image or a recording do not depend on its data, which takes long to encode.
  const light = ["image", "audio"].includes(file.kind) ? { ...file, blob: new Blob() } : file;
  const content = await contentOf({ text: "", files: [file.id] }, accepts, () => light);
  if (typeof content === "string") return new PromptSize({ bytes: encoder.encode(content).length });
  const sizes = await Promise.all(content.map((part) => ofPart(part, file, rule)));
  return sizes.reduce((sum, size) => sum.plus(size), new PromptSize());
}

async function ofPart(part, file, { document, second }) {
  if (part.type === "text") return new PromptSize({ bytes: encoder.encode(part.text).length });
  if (part.type === "image_url") return new PromptSize({ images: 1 });
  if (part.type === "input_audio") return new PromptSize({ documents: Math.ceil(second * (await secondsOf(file.blob))) });
  // The short document has two pages. Without a count of pages: it has about as many tokens as bytes, once compressed.
  return new PromptSize({ documents: file.pages ? Math.ceil((document / 2) * file.pages) : document + file.size });
}
