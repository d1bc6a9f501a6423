/* Word documents as text: paragraphs and tables as Markdown. */

import { Lines } from "./lines.js";
import { all, children, parse, textOf } from "./xml.js";

/** Resolves to the text of a .docx file. Throws a RangeError if it is longer than `limit`. */
export async function wordText(zip, limit) {
  const lines = new Lines(limit);
  const [body] = all(parse(await zip.text("word/document.xml")), "body");
  if (!body) throw new Error("It has no body.");
  addBlocks(body, lines);
  return lines.toString();
}

function addBlocks(parent, lines) {
  for (const node of children(parent)) {
    if (node.name === "p") lines.add(`${paragraph(node)}\n`);
    else if (node.name === "tbl") lines.addTable(children(node, "tr").map((row) => children(row, "tc").map((cell) => all(cell, "p").map(runs).join(" "))));
    else if (node.name !== "sectPr") addBlocks(node, lines);
  }
}

function paragraph(node) {
  const [properties] = children(node, "pPr");
  const style = all(properties, "pStyle")[0]?.attributes.val ?? "";
  const heading = /^heading ?([1-6])$/i.exec(style)?.[1] ?? (/^title$/i.test(style) ? 1 : 0);
  const text = runs(node);
  if (!text.trim()) return "";
  if (heading) return `${"#".repeat(heading)} ${text}`;
  return all(properties, "numPr").length || /^list ?(bullet|number)/i.test(style) ? `- ${text}` : text;
}

/** The text of a paragraph. Deleted text is in other elements; a fallback repeats what stands beside it. */
function runs(node) {
  return children(node).map((child) => {
    if (child.name === "t") return textOf(child);
    if (child.name === "tab") return node.name === "r" ? "\t" : "";
    if (child.name === "br" || child.name === "cr") return "\n";
    return child.name === "Fallback" || child.name === "pPr" ? "" : runs(child);
  }).join("");
}
