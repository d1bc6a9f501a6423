/* Streaming Markdown. Blocks that can no longer change are rendered once; only the open end is rendered again,
   at most ten times a second and for at most a twentieth of the time. */

import { codeCard, highlight, wrapCode } from "chat/drawing/code";
import { Context, toFragment, tokenize, updateContext } from "chat/drawing/markdown";
import { typeset } from "chat/drawing/math";

/** Open code fences longer than this are appended to instead of rendered again. */
const LONG_FENCE = 4096;
/** Milliseconds between two renderings: at least PAUSE, and so many times as long as the last one took, its frame
    included (style, layout and paint cost more than the text), but at most LONGEST_PAUSE. */
const PAUSE = 100;
const REST = 19;
const LONGEST_PAUSE = 500;
const HIDDEN_PAUSE = 250;

/** A finished block, with highlighted code and typeset formulas. */
function renderBlock(tokens) {
  const box = document.createElement("div");
  box.className = "blk";
  box.append(toFragment(tokens));
  wrapCode(box);
  highlight(box);
  typeset(box);
  return box;
}

/** A DocumentFragment with a complete text. */
export function renderMarkdown(text) {
  const fragment = document.createDocumentFragment();
  let group = [];
  const tokens = tokenize(text.replace(/\r\n?/g, "\n"));
  const close = () => {
    if (group.length) fragment.append(renderBlock(group));
    group = [];
  };
  let size = 0;
  for (const token of tokens) {
    group.push(token);
    size += token.raw.length;
    if (size > 1500) { close(); size = 0; }
  }
  close();
  return fragment;
}

export class StreamingMarkdown {
  #root;
  #text = ""; // everything received
  #rest = ""; // the part that can still change
  #pendingReturn = ""; // a carriage return whose line feed may follow
  #context = new Context();
  #tail = document.createElement("div");
  #fence = null;
  #timer = 0;
  #frameTime = 0;
  #flushedAt = 0;
  #ended = false;

  /** Renders into `root`; `onflush` is called after each change. */
  constructor(root, onflush = () => {}) {
    this.#root = root;
    this.onflush = onflush;
    this.#tail.className = "tail";
    root.append(this.#tail);
  }

  /** Adds text; the next frame shows it. */
  push(text) {
    text = this.#pendingReturn + text;
    this.#pendingReturn = text.endsWith("\r") ? "\r" : "";
    text = text.slice(0, text.length - this.#pendingReturn.length).replace(/\r\n?/g, "\n");
    this.#text += text;
    this.#rest += text;
    if (!this.#timer) this.#schedule();
  }

  /** Renders all received text now. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const began = performance.now();
    if (!this.#fence || this.#growFence()) this.#render();
    this.onflush();
    this.#flushedAt = performance.now();
    setTimeout(() => { this.#frameTime = performance.now() - began; }); // after the frame
  }

  /** Renders the complete text; nothing may be pushed after it. */
  end() {
    clearTimeout(this.#timer);
    this.#ended = true;
    this.#text += this.#pendingReturn ? "\n" : "";
    this.#rest += this.#pendingReturn ? "\n" : "";
    if (/^ {0,3}\[[^\]]+\]:/m.test(this.#text)) {
      // A link may be used before its definition.
      this.#root.replaceChildren(renderMarkdown(this.#text));
    } else {
      this.#tail.remove();
      if (this.#rest) {
        const tokens = tokenize(this.#rest, this.#context);
        if (tokens.length) this.#root.append(renderBlock(tokens));
      }
    }
    this.onflush();
  }

  #schedule() {
    // Hidden pages get no animation frames.
    const pause = Math.min(LONGEST_PAUSE, Math.max(PAUSE, REST * this.#frameTime));
    const wait = document.hidden ? HIDDEN_PAUSE : Math.max(0, this.#flushedAt + pause - performance.now());
    if (wait > 16) this.#timer = setTimeout(() => this.flush(), wait);
    else {
      this.#timer = -1;
      requestAnimationFrame(() => this.#ended || this.flush());
    }
  }

  #render() {
    let tokens = tokenize(this.#rest, this.#context.copy());
    const settled = tokens.slice(0, settledCount(tokens));
    const raw = settled.map((token) => token.raw).join("");
    if (raw && this.#rest.startsWith(raw)) {
      this.#tail.before(renderBlock(settled));
      updateContext(settled, this.#context);
      this.#rest = this.#rest.slice(raw.length);
      tokens = tokens.slice(settled.length);
    }
    if (this.#startFence(tokens)) return;
    const fragment = toFragment(tokens);
    wrapCode(fragment);
    this.#tail.replaceChildren(fragment);
  }

  /** Switches to appending if the rest is one long open fence; false if it is not. */
  #startFence(tokens) {
    const [token, ...others] = tokens.filter((each) => each.type !== "space");
    if (!token || others.length || token.type !== "code" || token.raw.length < LONG_FENCE) return false;
    const head = /^( {0,3})(`{3,}|~{3,})([^\n]*)\n/.exec(this.#rest);
    if (!head || closingFence(this.#rest, head[2], head[0].length) >= 0) return false;
    const fragment = toFragment(tokenize(`${head[0]}\n${head[2]}`));
    const pre = fragment.querySelector("pre");
    if (!pre) return false;
    const code = pre.firstElementChild;
    code.replaceChildren();
    this.#tail.replaceChildren(codeCard(pre));
    this.#fence = { marker: head[2], indent: head[1].length, code, shown: head[0].length, lines: 0, run: null };
    this.#growFence();
    return true;
  }

  /** Appends new lines to the open fence; true if the fence is closed. */
  #growFence() {
    const fence = this.#fence;
    const end = closingFence(this.#rest, fence.marker, fence.shown);
    const upTo = end >= 0 ? end : this.#rest.lastIndexOf("\n") + 1;
    if (upTo > fence.shown) {
      // Lines are grouped in spans, so that the browser lays out only the visible ones.
      for (const line of this.#rest.slice(fence.shown, upTo).split(/(?<=\n)/)) {
        if (!fence.run || fence.lines % 64 === 0) {
          fence.run = document.createElement("span");
          fence.run.className = "run";
          fence.code.append(fence.run);
        }
        fence.run.append(fence.indent ? line.replace(new RegExp(`^ {0,${fence.indent}}`), "") : line);
        fence.lines += 1;
      }
      fence.shown = upTo;
    }
    if (end < 0) return false;
    this.#fence = null;
    const close = this.#rest.indexOf("\n", end);
    const raw = close < 0 ? this.#rest : this.#rest.slice(0, close + 1);
    this.#tail.before(renderBlock(tokenize(raw, this.#context)));
    this.#rest = this.#rest.slice(raw.length);
    return true;
  }
}

/** Index of the line that closes a fence, among the complete lines from `from` on; -1 if there is none. */
function closingFence(text, marker, from) {
  const pattern = new RegExp(`^ {0,3}${marker}[~\`]* *\\n`, "gm");
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? -1;
}

/** How many leading tokens can no longer change, whatever follows. */
function settledCount(tokens) {
  for (let at = tokens.length - 2; at > 0; at -= 1) {
    const [before, space, after] = [tokens[at - 1], tokens[at], tokens[at + 1]];
    if (space.type !== "space" || !/\n\n/.test(before.raw.slice(-1) + space.raw) || !/^\S/.test(after.raw)) continue;
    // A "2" after a list may become "2. …", which belongs to the list.
    if (before.type === "list" && after.raw.length < 12 && !after.raw.includes("\n")) continue;
    return at + 1;
  }
  return 0;
}
