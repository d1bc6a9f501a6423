/* OpenDocument files (LibreOffice) as text: documents and slides as Markdown, sheets as CSV. */

import { Lines, csv } from "./lines.js";
import { all, children, parse } from "./xml.js";

/** Elements whose text is not the document's: comments, and what was deleted. */
const NO_TEXT = new Set(["annotation", "tracked-changes", "forms", "sequence-decls"]);

/** Resolves to the text of an .odt, .ods or .odp file. Throws a RangeError if it is longer than `limit`. */
export async function openDocumentText(zip, limit) {
  const [body] = all(parse(await zip.text("content.xml")), "body");
  const lines = new Lines(limit);
  for (const kind of body ? children(body) : []) {
    if (kind.name === "spreadsheet") addSheets(children(kind, "table"), lines, limit);
    else if (kind.name === "presentation") children(kind, "page").forEach((page, at) => addSlide(page, at, lines));
    else addBlocks(kind, lines);
  }
  return lines.toString();
}

function addBlocks(parent, lines, mark = "") {
  for (const node of children(parent)) {
    if (node.name === "h") lines.add(`${"#".repeat(Math.min(6, Number(node.attributes["outline-level"]) || 1))} ${runs(node)}\n`);
    else if (node.name === "p") addParagraph(runs(node), mark, lines);
    else if (node.name === "list-item") addBlocks(node, lines, "- ");
    else if (node.name === "table") lines.addTable(rowsOf(node).map((row) => cellsOf(row).map(cellText)));
    else if (!NO_TEXT.has(node.name)) addBlocks(node, lines, mark);
  }
}

function addParagraph(text, mark, lines) {
  if (text.trim()) lines.add(`${mark}${text}\n`);
}

function addSlide(page, at, lines) {
  lines.add(`--- slide ${at + 1} ---`);
  addBlocks(page, lines);
}

function addSheets(sheets, lines, limit) {
  for (const sheet of sheets) {
    if (sheets.length > 1) lines.add(`# ${sheet.attributes.name ?? ""}\n`);
    for (const row of rowsOf(sheet)) {
      const values = valuesOf(row, limit);
      // A sheet ends with a row that stands for all the empty ones below.
      const times = values.length ? Number(row.attributes["number-rows-repeated"]) || 1 : 1;
      for (let time = 0; time < times; time += 1) lines.add(csv(values));
    }
    lines.add("");
  }
}

/** The cells' texts, without the empty ones at the end. */
function valuesOf(row, limit) {
  const values = [];
  let [empty, size] = [0, 0];
  for (const cell of cellsOf(row)) {
    const text = cellText(cell);
    const times = Number(cell.attributes["number-columns-repeated"]) || 1;
    if (!text) {
      empty += times;
      continue;
    }
    size += empty + times * text.length;
    if (size > limit) throw new RangeError("The text is too long.");
    values.push(...Array(empty).fill(""), ...Array(times).fill(text));
    empty = 0;
  }
  return values;
}

const rowsOf = (table) => children(table).flatMap((node) => (node.name === "table-row" ? [node] : /^table-(rows|header-rows|row-group)$/.test(node.name) ? rowsOf(node) : []));
const cellsOf = (row) => children(row).filter(({ name }) => name === "table-cell" || name === "covered-table-cell");
const cellText = (cell) => children(cell).filter(({ name }) => name === "p" || name === "h").map(runs).join("\n");

/** The text of a paragraph. Several spaces are an element with their number. */
function runs(node) {
  return node.content.map((child) => {
    if (typeof child === "string") return child.replace(/\s+/g, " ");
    if (child.name === "s") return " ".repeat(Math.min(100, Number(child.attributes.c) || 1));
    if (child.name === "tab") return "\t";
    if (child.name === "line-break") return "\n";
    return NO_TEXT.has(child.name) || child.name === "note-citation" ? "" : runs(child);
  }).join("");
}
