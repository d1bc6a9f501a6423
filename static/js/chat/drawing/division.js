/* Long paragraphs, lists and tables in parts of bounded size, of which the browser lays out only those in view: else it
   goes over all of such a block for each change.

   A paragraph has spans that are blocks of their own, each up to the end of a sentence or line. A list becomes several
   lists that are announced as one. A table has several bodies; its columns get their widths from its first rows, and its
   roles, which it would lose in some browsers with its layout. */

const ENDS = /[.!?…:;]["'”’)]*\s|[。！？；]/g;
/** A sentence that is this many times as long as a part is cut between two words. */
const PATIENCE = 2;
const ROWS_MEASURED = 24;
/** Characters of a word that is not broken, and of the text that a column is made wide for. */
const [SHORTEST_WORD, LONGEST_WORD, MOST_TEXT] = [7, 18, 40];
const PADDING_REM = 1.75;

class Division {
  #size;
  #onpart;
  #last; // the part at the end
  #length = 0; // of what can no longer change in it

  /** `element` is the whole block, `first` its first part, `nodes` what is in it and to be added. `size` is the length of
      a part; `onpart(part)` is called with each. */
  constructor({ element, first, nodes }, size, onpart) {
    Object.assign(this, { element, nodes });
    this.#size = size;
    this.#onpart = onpart;
    this.#begin(first);
  }

  /** Adds nodes at the end. Those that are not `final` are to be removed before the next ones are added. */
  add(nodes, final = true) {
    for (const node of nodes) this.#add(node, final);
  }

  #add(node, final) {
    if (final && this.#length >= this.#size && this.canBegin(node, this.#last.lastChild)) this.#begin(this.next(this.#last));
    this.#last.append(node);
    this.prepare(node);
    if (!final) return;
    const rest = this.cut(node, this.#size - this.#length, this.#size * PATIENCE - this.#length);
    this.#length += node.textContent.length;
    if (!rest) return;
    this.#begin(this.next(this.#last));
    this.#add(rest, true);
  }

  #begin(part) {
    part.className = "part";
    this.#last?.after(part);
    this.#last = part;
    this.#length = 0;
    this.#onpart(part);
  }

  /** Whether a part may begin with this node, after the node before. */
  canBegin(node, _before) {
    return node.nodeType === Node.ELEMENT_NODE;
  }

  /** An empty part that follows another one. */
  next(part) {
    return part.cloneNode(false);
  }

  /** Completes a node. */
  prepare() {}

  /** Shortens a node that passes the end of a part, which is `left` away and at most `most`; returns its rest, or null. */
  cut() {
    return null;
  }
}

class Paragraph extends Division {
  constructor(element, size, onpart) {
    const nodes = [...element.childNodes];
    const first = document.createElement("span");
    element.replaceChildren(first);
    element.className = "whole";
    super({ element, first, nodes }, size, onpart);
  }

  canBegin(_node, before) {
    return before?.nodeName === "BR";
  }

  cut(node, left, most) {
    if (node.nodeType !== Node.TEXT_NODE || node.length <= left) return null;
    ENDS.lastIndex = Math.max(0, left);
    const end = ENDS.exec(node.data);
    let at = end ? ENDS.lastIndex : 0;
    if (!at && node.length > most) at = node.data.indexOf(" ", Math.max(0, most)) + 1;
    return at > 0 && at < node.length ? node.splitText(at) : null;
  }
}

class List extends Division {
  constructor(list, size, onpart) {
    const nodes = [...list.childNodes];
    const element = document.createElement("div");
    element.className = "whole";
    element.role = "list";
    list.replaceWith(element);
    list.replaceChildren();
    list.role = "none";
    element.append(list);
    super({ element, first: list, nodes }, size, onpart);
  }

  next(part) {
    const list = super.next(part);
    if (part.localName === "ol") list.start = part.start + part.childElementCount;
    return list;
  }

  prepare(node) {
    if (node.nodeType === Node.ELEMENT_NODE) node.role = "listitem";
  }
}

class Table extends Division {
  constructor(box, size, onpart) {
    const table = box.querySelector("table");
    const [head, first] = [table.tHead, table.tBodies[0]];
    const nodes = [...first.childNodes];
    const headers = [...head.rows[0].cells];
    const rows = [headers, ...[...first.rows].slice(0, ROWS_MEASURED).map(({ cells }) => [...cells])];
    const columns = headers.map((_, at) => {
      const texts = rows.map((cells) => cells[at].textContent);
      const word = Math.max(SHORTEST_WORD, ...texts.join(" ").split(/\s/).map(({ length }) => length));
      return { word: Math.min(LONGEST_WORD, word), text: Math.min(MOST_TEXT, Math.round(texts.join(" ").length / rows.length)) };
    });
    const least = (words, many) => `calc(${words}ch + ${many * PADDING_REM}rem)`;
    box.classList.add("whole");
    table.classList.add("long");
    table.style.setProperty("--columns", columns.map(({ word, text }) => `minmax(${least(word, 1)}, ${text}fr)`).join(" "));
    table.style.setProperty("--least", least(columns.reduce((sum, { word }) => sum + word, 0), columns.length));
    table.role = "table";
    head.role = first.role = "rowgroup";
    head.rows[0].role = "row";
    for (const header of headers) header.role = "columnheader";
    first.replaceChildren();
    super({ element: box, first, nodes }, size, onpart);
  }

  prepare(node) {
    if (node.localName !== "tr") return;
    node.role = "row";
    for (const cell of node.cells) cell.role = "cell";
  }
}

/** The division of a paragraph, a list, or a table in its box, that is not in the page yet. Its `nodes` are to be added. */
export function division(element, size, onpart = () => {}) {
  if (element.localName === "p") return new Paragraph(element, size, onpart);
  return element.localName === "div" ? new Table(element, size, onpart) : new List(element, size, onpart);
}

/** Divides what is longer than `long` among the children of `root`, in parts of about `size`. */
export function divideLong(root, long, size) {
  for (const element of root.querySelectorAll(":scope > :is(p, ul, ol, .tablewrap)")) {
    if (element.textContent.length < long || (element.localName === "div" && !element.querySelector("tbody"))) continue;
    const divided = division(element, size);
    divided.add(divided.nodes);
  }
}
