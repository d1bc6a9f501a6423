/* Word and Excel documents as text: paragraphs and tables as Markdown, sheets as CSV. The formats are ECMA-376's. */

import { Zip } from "chat/files/zip";

/** Bytes of the XML that is read of one document. */
const MAX_XML = 20_000_000;
const MAX_COLUMNS = 16_384;
const DATES = new Set([14, 15, 16, 17, 22, 27, 30, 36, 50, 57]);
const DAY = 86_400_000;

/**
 * Resolves to the text of a .docx or .xlsx file, at most `limit` characters long. Throws a RangeError if it is longer,
 * and another Error if the file is damaged, encrypted or of another kind.
 */
export async function officeText(bytes, limit) {
  const zip = new Zip(bytes, MAX_XML);
  if (zip.has("word/document.xml")) return documentText(await xml(zip, "word/document.xml"), limit);
  if (zip.has("xl/workbook.xml")) return workbookText(zip, limit);
  throw new Error("It is neither a Word nor an Excel document.");
}

async function xml(zip, name) {
  const source = await zip.text(name);
  if (!source) return null;
  if (source.includes("<!DOCTYPE")) throw new Error("It defines entities.");
  const document = new DOMParser().parseFromString(source, "application/xml");
  if (document.querySelector("parsererror")) throw new Error("Its XML is damaged.");
  return document;
}

const all = (node, name) => (node ? [...node.getElementsByTagNameNS("*", name)] : []);
const children = (node, name) => [...node.children].filter(({ localName }) => localName === name);
const attribute = (node, name) => [...(node?.attributes ?? [])].find(({ localName }) => localName === name)?.value;

/** Lines of text that must not become longer than a limit. */
class Lines {
  #lines = [];
  #left;

  constructor(limit) {
    this.#left = limit;
  }

  add(line) {
    this.#left -= line.length + 1;
    if (this.#left < 0) throw new RangeError("The text is too long.");
    this.#lines.push(line);
  }

  toString() {
    return this.#lines.join("\n").trim();
  }
}

// --- Word -----------------------------------------------------------------------------------------

function documentText(document, limit) {
  const lines = new Lines(limit);
  const [body] = all(document, "body");
  if (!body) throw new Error("It has no body.");
  addBlocks(body, lines);
  return lines.toString();
}

function addBlocks(parent, lines) {
  for (const node of parent.children) {
    if (node.localName === "p") lines.add(`${paragraph(node)}\n`);
    else if (node.localName === "tbl") addTable(node, lines);
    else if (node.localName !== "sectPr") addBlocks(node, lines);
  }
}

function addTable(table, lines) {
  children(table, "tr").forEach((row, at) => {
    const cells = children(row, "tc").map((cell) => all(cell, "p").map(runs).join(" ").replace(/\s+/g, " ").replace(/\|/g, "\\|").trim());
    lines.add(`| ${cells.join(" | ")} |`);
    if (at === 0) lines.add(`|${" --- |".repeat(cells.length)}`);
  });
  lines.add("");
}

function paragraph(node) {
  const [properties] = children(node, "pPr");
  const style = attribute(all(properties, "pStyle")[0], "val") ?? "";
  const heading = /^heading ?([1-6])$/i.exec(style)?.[1] ?? (/^title$/i.test(style) ? 1 : 0);
  const text = runs(node);
  if (!text.trim()) return "";
  if (heading) return `${"#".repeat(heading)} ${text}`;
  return all(properties, "numPr").length || /^list ?(bullet|number)/i.test(style) ? `- ${text}` : text;
}

/** The text of a paragraph. Deleted text is in other elements; a fallback repeats what stands beside it. */
function runs(node) {
  return [...node.children].map((child) => {
    if (child.localName === "t") return child.textContent;
    if (child.localName === "tab") return child.parentElement.localName === "r" ? "\t" : "";
    if (child.localName === "br" || child.localName === "cr") return "\n";
    return child.localName === "Fallback" || child.localName === "pPr" ? "" : runs(child);
  }).join("");
}

// --- Excel ----------------------------------------------------------------------------------------

async function workbookText(zip, limit) {
  const workbook = await xml(zip, "xl/workbook.xml");
  const targets = new Map(all(await xml(zip, "xl/_rels/workbook.xml.rels"), "Relationship").map((link) => [link.getAttribute("Id"), link.getAttribute("Target")]));
  const strings = all(await xml(zip, "xl/sharedStrings.xml"), "si").map(richText);
  const dates = dateStyles(await xml(zip, "xl/styles.xml"));
  const epoch = Date.UTC(...(["1", "true"].includes(attribute(all(workbook, "workbookPr")[0], "date1904")) ? [1904, 0, 1] : [1899, 11, 30]));
  const lines = new Lines(limit);
  const sheets = all(workbook, "sheet");
  for (const sheet of sheets) {
    const target = targets.get(attribute(sheet, "id")) ?? "";
    const content = await xml(zip, target.startsWith("/") ? target.slice(1) : `xl/${target}`);
    if (sheets.length > 1) lines.add(`# ${sheet.getAttribute("name")}\n`);
    for (const row of all(content, "row")) lines.add(rowText(row, { strings, dates, epoch, limit }));
    lines.add("");
  }
  return lines.toString();
}

/** A string without its phonetic reading. */
const richText = (node) => all(node, "t").filter((part) => part.parentElement.localName !== "rPh").map((part) => part.textContent).join("");

/** For each style of a cell, whether it shows a number as a date. */
function dateStyles(styles) {
  const custom = new Map(all(styles, "numFmt").map((format) => [format.getAttribute("numFmtId"), format.getAttribute("formatCode") ?? ""]));
  const isDate = (id) => DATES.has(Number(id)) || /[dy]/i.test((custom.get(id) ?? "").replace(/"[^"]*"|\[[^\]]*\]|\\./g, ""));
  return all(all(styles, "cellXfs")[0], "xf").map((style) => isDate(style.getAttribute("numFmtId")));
}

function rowText(row, workbook) {
  const cells = [];
  let size = 0;
  for (const cell of children(row, "c")) {
    const at = columnOf(cell.getAttribute("r") ?? "") ?? cells.length;
    while (cells.length < at) cells.push("");
    cells[at] = cellText(cell, workbook);
    size += cells[at].length;
    if (size > workbook.limit) throw new RangeError("The text is too long."); // many cells may share a long one
  }
  return cells.map((value) => (/[",\n\r]/.test(value) ? `"${value.replace(/"/g, '""')}"` : value)).join(",");
}

/** Index of the column of a reference, "C7" -> 2. */
function columnOf(reference) {
  const letters = /^[A-Z]{1,3}/.exec(reference)?.[0];
  if (!letters) return null;
  return Math.min(MAX_COLUMNS, [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0)) - 1;
}

function cellText(cell, { strings, dates, epoch }) {
  const type = cell.getAttribute("t");
  if (type === "inlineStr") return richText(cell);
  const value = children(cell, "v")[0]?.textContent ?? "";
  const [formula] = children(cell, "f");
  if (!value && formula?.textContent) return `=${formula.textContent}`; // never computed
  if (type === "s") return strings[Number(value)] ?? "";
  if (type === "b") return value === "1" ? "TRUE" : "FALSE";
  if ((type === null || type === "n") && value && dates[Number(cell.getAttribute("s") ?? 0)]) return dateText(Number(value), epoch) ?? value;
  return value;
}

/** "2025-03-01", with the time of day if the day is not whole; null for a number that is no day. */
function dateText(days, epoch) {
  const date = new Date(Math.round((epoch + days * DAY) / 1000) * 1000);
  if (Number.isNaN(date.getTime())) return null;
  const text = date.toISOString().slice(0, 19);
  return Number.isInteger(days) ? text.slice(0, 10) : text.replace("T", " ");
}
