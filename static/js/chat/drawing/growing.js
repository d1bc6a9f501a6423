/* Open blocks that have become long. What can no longer change in them is rendered once.

   `show(text, last)` renders the block that starts `text`, and what follows it. It returns the block's length once the
   block can't change any more, else 0; or -1 if the text has become another kind of block. */

import { codeCard, wrapCode } from "chat/drawing/code";
import { division } from "chat/drawing/division";
import { toFragment, tokenize, updateContext } from "chat/drawing/markdown";
import { LINES_OF_A_RUN, newRun } from "chat/drawing/runs";
import { settledCount } from "chat/drawing/settled";

/** The block that `text` starts with, if it is longer than `long` and still open, to be rendered into `tail`; else null.
    `finish(root)` completes what no longer changes; `onpart(element)` is called with each part of the block, of about
    half that length. */
export function growingBlock(tokens, text, long, { context, tail, finish, onpart }) {
  const [token, ...others] = tokens.filter((each) => each.type !== "space");
  if (!token || others.length || token.raw.length < long || !text.startsWith(token.raw)) return null;
  if (token.type === "code") return Fence.from(text, context, tail, finish);
  if (!KINDS[token.type] || (token.type === "table" && !token.rows.length)) return null;
  return new Parts(token.type, { context, tail, finish, begin: (element) => division(element, long / 2, onpart) });
}

/** A fence of code, which is appended to as text. */
class Fence {
  #lines = 0;
  #run = null;

  static from(text, context, tail, finish) {
    const head = /^( {0,3})(`{3,}|~{3,})([^\n]*)\n/.exec(text);
    if (!head) return null;
    const pre = toFragment(tokenize(`${head[0]}\n${head[2]}`)).querySelector("pre");
    return pre && new Fence(head, pre, context, tail, finish);
  }

  constructor([head, indent, marker], pre, context, tail, finish) {
    Object.assign(this, { marker, context, tail, finish, indent: marker[0] === "`" ? indent.length : 0, shown: head.length });
    this.code = pre.firstElementChild;
    this.code.replaceChildren();
    tail.replaceChildren(codeCard(pre));
  }

  show(text, last = false) {
    const lines = last && !text.endsWith("\n") ? `${text}\n` : text;
    const closing = new RegExp(`^ {0,3}${this.marker}[~\`]* *\\n`, "gm");
    closing.lastIndex = this.shown;
    const end = closing.exec(lines)?.index ?? -1;
    const upTo = end >= 0 ? end : lines.lastIndexOf("\n") + 1;
    for (const line of lines.slice(this.shown, upTo).match(/.*\n/g) ?? []) this.#append(line);
    this.shown = Math.max(this.shown, upTo);
    if (end < 0 && !last) return 0;
    const shown = this.code.textContent;
    // The line break before the closing fence is no part of the code, as marked reads it, unless a blank line is there.
    if (shown.endsWith("\n") && shown !== "\n" && !shown.endsWith("\n\n")) this.#run.firstChild.deleteData(this.#run.firstChild.length - 1, 1);
    this.finish(this.tail);
    return end < 0 ? text.length : Math.min(text.length, lines.indexOf("\n", end) + 1);
  }

  /** Lines are grouped in runs, so that the browser lays out only the visible ones. */
  #append(line) {
    if (this.#lines % LINES_OF_A_RUN === 0) {
      this.#run = newRun();
      this.#run.append("");
      this.code.append(this.#run);
    }
    this.#lines += 1;
    this.#run.firstChild.appendData(line.slice(Math.min(/^[^\S\n]*/.exec(line)[0].length, this.indent)));
  }
}

/** What Parts needs of a kind of block: its token's array of parts, what stands for the text that is done, and the parts
    apart from that: those that can no longer change and the others. */
const KINDS = {
  list: {
    name: "items",
    // As far indented as the last item that is done: that decides whether the next one is beside or in it.
    head: (_text, { loose }, { raw }) => {
      const [, mark, space = " "] = /^( {0,3}(?:[*+-]|\d{1,9}[.)]))([ \t]+(?=\S))?/.exec(raw);
      return `${mark}${space}x\n${loose ? "\n" : ""}`;
    },
    parts: ({ items }, head) => (head ? items.slice(1) : items),
    split: (items) => [items.slice(0, -2), items.slice(-2)],
  },
  table: {
    name: "rows",
    head: (text) => HEADER.exec(text)[0],
    parts: ({ rows }) => rows,
    split: (rows) => [rows.slice(0, -1), rows.slice(-1)],
  },
  paragraph: {
    name: "tokens",
    head: () => "x",
    parts: ({ tokens: [first, ...others] }, head) => (head ? [textFrom(first, 1), ...others] : [first, ...others]),
    split: splitInline,
  },
};
const HEADER = /^.*\n.*\n/;

const textFrom = (token, start, end) => ({ ...token, raw: token.raw.slice(start, end), text: token.text.slice(start, end) });

/** Inline tokens up to the last space before which nothing is open, and the others. Not behind a "|" in the same line, which
    may become the header of a table, nor behind the start of a line that may become a formula. `head`: the text goes on in
    the middle of a line. */
function splitInline(tokens, head) {
  let last = -1;
  let place = 0;
  let before = head ? " " : "\n";
  let piped = false; // whether a "|" is in the line so far
  for (const [at, { type, raw, text }] of tokens.entries()) {
    if (type === "escape" && /[([]/.test(text)) break; // a formula may begin here
    if (/\n(?:\$\$|\\\[)/.test(before + raw)) break;
    before = raw.slice(-1);
    if (type === "text" && !piped) {
      const open = raw.search(/[*_`~$[<\\|]/);
      const found = /^[^]*(?:\S(?= \S)|[。！？](?=[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}]))/u.exec(open < 0 ? raw : raw.slice(0, open));
      if (found && raw === text) [last, place] = [at, found[0].length];
    }
    if (type === "text" && /[*_`~$[<\\]/.test(raw)) break;
    piped = (piped && !raw.includes("\n")) || raw.slice(raw.lastIndexOf("\n") + 1).includes("|");
  }
  if (last < 0) return [[], tokens];
  return [[...tokens.slice(0, last), textFrom(tokens[last], 0, place)], [textFrom(tokens[last], place), ...tokens.slice(last + 1)]];
}

/** A list, a table or a paragraph. */
class Parts {
  #head = "";
  #done = 0; // length of the text that is rendered once
  #loose = false; // the items of the list are paragraphs
  #division = null;
  #open = []; // nodes that are rendered again, and those of what follows the block

  constructor(type, { context, tail, finish, begin }) {
    Object.assign(this, { type, context: context.copy(), tail, finish, begin, kind: KINDS[type] });
  }

  show(text, last = false) {
    const pending = this.#head + text.slice(this.#done);
    const tokens = tokenize(pending, this.context.copy(), { growing: true });
    const [token, ...others] = tokens;
    if (token?.type !== this.type || (this.#done && Boolean(token.loose) !== this.#loose)) return -1;
    const parts = this.kind.parts(token, this.#head);
    const ended = last || settledCount(tokens) > 0;
    for (const node of this.#open) node.remove();
    this.#open = [];
    if (ended) {
      this.#render(token, parts, true);
      return this.#done + token.raw.length - this.#head.length;
    }
    const [stable, open] = this.kind.split(parts, this.#head);
    const length = this.#lengthOf(stable, pending);
    if (length) {
      this.#render(token, stable, true);
      this.#done += length;
      this.#head = this.kind.head(text, token, stable.at(-1));
      this.#loose = Boolean(token.loose);
    }
    this.#open = this.#render(token, length ? open : parts, false);
    const following = toFragment(others);
    wrapCode(following);
    this.#open.push(...following.childNodes);
    this.tail.append(following);
    return 0;
  }

  /** Renders parts of the block at its end; returns their nodes. */
  #render(token, parts, final) {
    if (!parts.length) return [];
    const some = { ...token, [this.kind.name]: parts };
    if (final) updateContext([some], this.context);
    const fragment = toFragment([some]);
    wrapCode(fragment);
    if (final) this.finish(fragment);
    const element = fragment.firstElementChild;
    const isFirst = !this.#division;
    this.#division ??= this.begin(element);
    const rows = this.type === "table" ? element.querySelector("tbody") : element;
    const nodes = isFirst ? this.#division.nodes : [...rows.childNodes];
    if (this.type === "list") {
      const lineBreak = nodes.shift(); // before the first item
      if (isFirst) this.#division.add([lineBreak]);
    }
    this.#division.add(nodes, final);
    if (isFirst) this.tail.replaceChildren(this.#division.element);
    return nodes;
  }

  /** Length of the text of these parts, which `pending` has after its head; 0 if it does not start with them. */
  #lengthOf(parts, pending) {
    const text = pending.slice(this.#head.length);
    if (this.type === "table") {
      const lines = text.match(/.*\n/g) ?? [];
      const many = parts.length + (this.#head ? 0 : 2);
      return parts.length && lines.length >= many ? lines.slice(0, many).join("").length : 0;
    }
    const raw = parts.map((part) => part.raw).join("");
    return text.startsWith(raw) ? raw.length : 0;
  }
}
