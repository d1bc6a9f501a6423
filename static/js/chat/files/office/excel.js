/* Excel workbooks as text: sheets as CSV. */

import { Lines, csv } from "./lines.js";
import { all, children, elements, parse, textOf } from "./xml.js";

const MAX_COLUMNS = 16_384;
const DATES = new Set([14, 15, 16, 17, 22, 27, 30, 36, 50, 57]);
const DAY = 86_400_000;

/** Resolves to the text of an .xlsx file. Throws a RangeError if it is longer than `limit`. */
export async function workbookText(zip, limit) {
  const workbook = parse(await zip.text("xl/workbook.xml"));
  const targets = await zip.targets("xl/workbook.xml");
  const strings = zip.has("xl/sharedStrings.xml") ? [...elements(await zip.text("xl/sharedStrings.xml"), "si")].map(richText) : [];
  const dates = zip.has("xl/styles.xml") ? dateStyles(parse(await zip.text("xl/styles.xml"))) : [];
  const epoch = Date.UTC(...(["1", "true"].includes(all(workbook, "workbookPr")[0]?.attributes.date1904) ? [1904, 0, 1] : [1899, 11, 30]));
  const lines = new Lines(limit);
  const sheets = all(workbook, "sheet");
  for (const sheet of sheets) {
    if (sheets.length > 1) lines.add(`# ${sheet.attributes.name}\n`);
    const source = await zip.text(targets.get(sheet.attributes.id) ?? "");
    for (const row of elements(source, "row")) lines.add(rowText(row, { strings, dates, epoch, limit }));
    lines.add("");
  }
  return lines.toString();
}

/** A string without its phonetic reading. */
const richText = (node) => children(node).filter(({ name }) => name !== "rPh").flatMap((part) => (part.name === "t" ? [part] : all(part, "t"))).map((part) => textOf(part)).join("");

/** For each style of a cell, whether it shows a number as a date. */
function dateStyles(styles) {
  const custom = new Map(all(styles, "numFmt").map(({ attributes }) => [attributes.numFmtId, attributes.formatCode ?? ""]));
  const isDate = (id) => DATES.has(Number(id)) || /[dy]/i.test((custom.get(id) ?? "").replace(/"[^"]*"|\[[^\]]*\]|\\./g, ""));
  return all(all(styles, "cellXfs")[0], "xf").map(({ attributes }) => isDate(attributes.numFmtId));
}

function rowText(row, workbook) {
  const cells = [];
  let size = 0;
  for (const cell of children(row, "c")) {
    const at = columnOf(cell.attributes.r ?? "") ?? cells.length;
    while (cells.length < at) cells.push("");
    cells[at] = cellText(cell, workbook);
    size += cells[at].length;
    if (size > workbook.limit) throw new RangeError("The text is too long."); // many cells may share a long one
  }
  return csv(cells);
}

/** Index of the column of a reference, "C7" -> 2. */
function columnOf(reference) {
  const letters = /^[A-Z]{1,3}/.exec(reference)?.[0];
  if (!letters) return null;
  return Math.min(MAX_COLUMNS, [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0)) - 1;
}

function cellText(cell, { strings, dates, epoch }) {
  const { t: type = "n", s: style = "0" } = cell.attributes;
  if (type === "inlineStr") return children(cell, "is").map(richText).join("");
  const [value, formula] = ["v", "f"].map((name) => children(cell, name).map((child) => textOf(child))[0] ?? "");
  if (!value && formula) return `=${formula}`; // never computed
  if (type === "s") return strings[Number(value)] ?? "";
  if (type === "b") return value === "1" ? "TRUE" : "FALSE";
  if (type === "n" && value && dates[Number(style)]) return dateText(Number(value), epoch) ?? value;
  return value;
}

/** "2025-03-01", with the time of day if the day is not whole; null for a number that is no day. */
function dateText(days, epoch) {
  const date = new Date(Math.round((epoch + days * DAY) / 1000) * 1000);
  if (Number.isNaN(date.getTime())) return null;
  const text = date.toISOString().slice(0, 19);
  return Number.isInteger(days) ? text.slice(0, 10) : text.replace("T", " ");
}
