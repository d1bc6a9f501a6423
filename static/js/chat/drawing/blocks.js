/* Streaming Markdown. Blocks that can no longer change are rendered once; only the open end is rendered again, at most
   five times a second, and more seldom the more that costs. Pages in the background render nothing. */

import { highlight, wrapCode } from "chat/drawing/code";
import { divideLong } from "chat/drawing/division";
import { growingBlock } from "chat/drawing/growing";
import { nowOrLater } from "chat/drawing/later";
import { Context, toFragment, tokenize, updateContext } from "chat/drawing/markdown";
import { typeset } from "chat/drawing/math";
import { patch } from "chat/drawing/patch";
import { settledCount } from "chat/drawing/settled";

/** Length of the text that one rendering takes up, so that none is long. */
const SLICE = 6_000;
/** Shorter open blocks are rendered again as a whole. */
const LONG = 4_000;
/** Blocks are gathered in boxes of about this length, which the browser lays out only when they are in view. */
const BOX = 1500;
/** Boxes at an end in view that are laid out without a look whether they are: it makes the browser go over the page once
    more. */
const NEWEST = 6;
/** Milliseconds between two renderings: at least PAUSE, and REST times as long as the last one took, its frame included
    (style, layout and paint cost more than the text), but at most LONGEST_PAUSE. If the last one had more than FAST new
    characters, they come faster than anyone reads, and the pause grows from FAST_PAUSE with the text. Once a rendering
    has more than SCREEN new characters, hardly a line of the one before is left in view: it may take LONGEST_OF_A_SCREEN. */
const PAUSE = 200;
const FAST_PAUSE = 240;
const FAST = 300;
const REST = 39;
const LONGEST_PAUSE = 500;
const SCREEN = 1600;
const LONGEST_OF_A_SCREEN = 750;
/** Characters that make the pause of fast text a millisecond longer. */
const GROWTH = 50;

/** Completes elements that no longer change: code gets its colors, formulas are typeset. */
function finish(root) {
  highlight(root);
  typeset(root);
}

/** A box of finished blocks. */
function renderBox(tokens) {
  const box = document.createElement("div");
  box.className = "blk";
  box.append(toFragment(tokens));
  wrapCode(box);
  divideLong(box, LONG, LONG / 2);
  finish(box);
  return box;
}

/** Boxes with these tokens. */
function renderBoxes(tokens) {
  const boxes = [];
  let group = [];
  let size = 0;
  for (const [at, token] of tokens.entries()) {
    group.push(token);
    size += token.raw.length;
    if (size <= BOX && at < tokens.length - 1) continue;
    boxes.push({ box: renderBox(group), tokens: group, raw: group.map(({ raw: part }) => part).join("") });
    [group, size] = [[], 0];
  }
  return boxes;
}

function newTail() {
  const tail = document.createElement("div");
  tail.className = "blk tail";
  return tail;
}

/** A DocumentFragment with a complete text. */
export function renderMarkdown(text) {
  const fragment = document.createDocumentFragment();
  fragment.append(...renderBoxes(tokenize(text.replace(/\r\n?/g, "\n"))).map(({ box }) => box));
  return fragment;
}

export class StreamingMarkdown {
  #long;
  #onshow;
  #received = ""; // not taken up yet
  #pendingReturn = ""; // a carriage return whose line feed may follow
  #rest = ""; // the part that can still change
  #context = new Context();
  #boxes = []; // {box, raw, context, known} of the finished blocks with brackets, which may be links by later definitions
  #tail = newTail();
  #growing = null;
  #newest = []; // the last boxes
  #inView = false; // whether the end is
  #timer = 0;
  #frameTime = 0;
  #length = 0; // of the text that was rendered
  #size = 0; // of the text that the last rendering has taken up
  #flushedAt = 0;
  #whenEnded = null;

  /** Renders into `root`. Open blocks longer than `long` are not rendered again as a whole. `onshow` is called after each
      rendering and returns whether its end is in view. */
  constructor(root, { long = LONG, onshow = () => false } = {}) {
    this.#long = long;
    this.#onshow = onshow;
    root.append(this.#tail);
  }

  /** Adds text; it is shown soon. */
  push(text) {
    text = this.#pendingReturn + text;
    this.#pendingReturn = text.endsWith("\r") ? "\r" : "";
    this.#received += text.slice(0, text.length - this.#pendingReturn.length).replace(/\r\n?/g, "\n");
    if (!this.#timer) this.#schedule();
  }

  /** Renders text that was received, up to the size of a slice. */
  flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const began = performance.now();
    this.#size = Math.min(SLICE, this.#received.length);
    this.#rest += this.#received.slice(0, SLICE);
    this.#received = this.#received.slice(SLICE);
    this.#length += this.#size;
    this.#render();
    this.#inView = this.#onshow();
    this.#flushedAt = performance.now();
    this.#measureFrame(this.#flushedAt - began);
    if (this.#received) this.#schedule();
    else if (this.#whenEnded) this.#finish();
  }

  /** Renders the remaining text, after which nothing may be pushed: at once if it is short, else slice by slice.
      Resolves when all is shown. */
  end() {
    this.#received += this.#pendingReturn ? "\n" : "";
    this.#pendingReturn = "";
    return new Promise((resolve) => {
      this.#whenEnded = resolve;
      if (this.#received.length <= SLICE) this.flush();
      else if (!this.#timer) this.#schedule();
    });
  }

  /** Notes how long the last rendering took, with the frame that shows it. */
  #measureFrame(rendering) {
    requestAnimationFrame(() => {
      const began = performance.now();
      setTimeout(() => { this.#frameTime = rendering + performance.now() - began; });
    });
  }

  #schedule() {
    if (document.hidden) {
      this.#timer = -1;
      document.addEventListener("visibilitychange", () => this.#timer === -1 && this.#schedule(), { once: true });
      return;
    }
    const least = this.#size > FAST ? FAST_PAUSE + this.#length / GROWTH : PAUSE;
    const longest = this.#size > SCREEN ? LONGEST_OF_A_SCREEN : LONGEST_PAUSE;
    const pause = Math.min(longest, Math.max(least, REST * this.#frameTime));
    const behind = this.#received.length > SLICE || (this.#received && this.#whenEnded);
    // Not in an animation frame: what follows from the rendering, such as scrolling, then needs no second frame.
    this.#timer = setTimeout(() => this.flush(), behind ? 0 : Math.max(0, this.#flushedAt + pause - performance.now()));
  }

  #render() {
    if (this.#growing && !this.#grow()) return;
    let tokens = tokenize(this.#rest, this.#context.copy(), { growing: true });
    const settled = tokens.slice(0, settledCount(tokens));
    if (settled.length && this.#settle(settled)) tokens = tokens.slice(settled.length);
    this.#growing = growingBlock(tokens, this.#rest, this.#long, {
      context: this.#context, tail: this.#tail, finish, onpart: (part) => this.#note(part),
    });
    if (this.#growing) this.#growing.show(this.#rest);
    else patch(this.#tail, toFragment(tokens));
  }

  /** Puts finished tokens before the tail; false if the rest of the text does not start with them. */
  #settle(tokens) {
    const raw = tokens.map((token) => token.raw).join("");
    if (!this.#rest.startsWith(raw)) return false;
    this.#append(tokens);
    this.#rest = this.#rest.slice(raw.length);
    return true;
  }

  #append(tokens) {
    const known = this.#definitions; // to all of them
    for (const { box, tokens: own, raw } of renderBoxes(tokens)) {
      this.#tail.before(box);
      this.#note(box);
      this.#keep(box, raw, known);
      updateContext(own, this.#context);
    }
  }

  /** Notes that a box is the last one. */
  #note(box) {
    if (!this.#inView) return;
    box.classList.add("new");
    this.#newest.push(box);
    if (this.#newest.length > NEWEST) this.#newest.shift().classList.remove("new");
  }

  /** Number of the definitions of links so far. */
  get #definitions() {
    return Object.keys(this.#context.links).length;
  }

  /** Remembers a box that may have to be rendered again, once there are more definitions than were `known` to it. */
  #keep(box, raw, known) {
    if (raw.includes("[")) this.#boxes.push({ box, raw, context: this.#context.copy(), known });
  }

  /** Shows the rest in the growing block; true if that has ended and another rendering is due. */
  #grow(last = false) {
    const growing = this.#growing;
    const length = growing.show(this.#rest, last);
    if (length === 0) return false;
    this.#growing = null;
    if (length < 0) return true;
    // The tail becomes a box as it is: its elements would be laid out anew in another place.
    const box = this.#tail;
    box.classList.remove("tail");
    this.#tail = newTail();
    box.after(this.#tail);
    this.#note(box);
    this.#keep(box, this.#rest.slice(0, length), this.#definitions);
    this.#context = growing.context;
    this.#rest = this.#rest.slice(length);
    return true;
  }

  #finish() {
    if (this.#growing) this.#grow(true);
    this.#append(tokenize(this.#rest, this.#context.copy()));
    this.#tail.remove();
    for (const box of this.#newest) box.classList.remove("new");
    const changing = this.#boxes.filter(({ known }) => known < this.#definitions);
    for (const each of changing) nowOrLater(() => this.#link(each));
    if (changing.length) nowOrLater(this.#whenEnded);
    else this.#whenEnded();
  }

  /** Renders a box again: a link may be used before its definition. */
  #link({ box, raw, context }) {
    Object.assign(context.links, this.#context.links);
    box.replaceWith(renderBox(tokenize(raw, context)));
  }
}
