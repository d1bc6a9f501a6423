/* PowerPoint presentations as text: the texts and tables of each slide, and its notes. */

import { Lines } from "./lines.js";
import { all, children, parse, textOf } from "./xml.js";

const PRESENTATION = "ppt/presentation.xml";

/** Resolves to the text of a .pptx file. Throws a RangeError if it is longer than `limit`. */
export async function slidesText(zip, limit) {
  const lines = new Lines(limit);
  const targets = await zip.targets(PRESENTATION);
  const names = all(parse(await zip.text(PRESENTATION)), "sldId").map(({ attributes }) => targets.get(attributes.id));
  let empty = true;
  for (const [at, name] of names.entries()) {
    const texts = new Lines(limit);
    if (zip.has(name)) addTexts(parse(await zip.text(name)), texts);
    const notes = await notesOf(zip, name);
    if (notes) texts.add(`Notes: ${notes}`);
    if (String(texts)) empty = false;
    lines.add(`--- slide ${at + 1} ---\n${texts}\n`);
  }
  return empty ? "" : lines.toString();
}

function addTexts(parent, lines) {
  for (const node of children(parent)) {
    if (node.name === "txBody") for (const paragraph of children(node, "p")) addLine(runs(paragraph), lines);
    else if (node.name === "tbl") lines.addTable(children(node, "tr").map((row) => children(row, "tc").map((cell) => all(cell, "p").map(runs).join(" "))));
    else if (node.name !== "Fallback") addTexts(node, lines);
  }
}

function addLine(text, lines) {
  if (text.trim()) lines.add(text);
}

const runs = (paragraph) => children(paragraph).map((run) => (run.name === "br" ? "\n" : all(run, "t").map((text) => textOf(text)).join(""))).join("");

/** The notes of a slide. Their page also shows the slide and its number, which are no notes. */
async function notesOf(zip, slide) {
  const name = [...(await zip.targets(slide)).values()].find((target) => target.includes("/notesSlide"));
  if (!zip.has(name)) return "";
  const shapes = all(parse(await zip.text(name)), "sp").filter((shape) => all(shape, "ph").some(({ attributes }) => attributes.type === "body"));
  return shapes.flatMap((shape) => all(shape, "p").map(runs)).join("\n").trim();
}
