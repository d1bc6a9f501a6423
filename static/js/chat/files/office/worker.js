/* Reads office documents apart from the page, which stays responsive. Takes {bytes, limit}; answers {text}, or {problem}:
   "long", "kind" (no office document), or "damaged".

   Workers have no import map, so the modules in this folder import each other by path. */

import { workbookText } from "./excel.js";
import { openDocumentText } from "./opendocument.js";
import { slidesText } from "./powerpoint.js";
import { wordText } from "./word.js";
import { Zip } from "./zip.js";

/** Bytes of the XML that is read of one document. */
const MAX_XML = 20_000_000;
const FORMATS = { "word/document.xml": wordText, "xl/workbook.xml": workbookText, "ppt/presentation.xml": slidesText, "content.xml": openDocumentText };

self.addEventListener("message", async ({ data }) => {
  try {
    self.postMessage(await answer(data));
  } catch (error) {
    self.postMessage({ problem: error instanceof RangeError && /too long/.test(error.message) ? "long" : "damaged" });
  }
});

async function answer({ bytes, limit }) {
  const zip = new Zip(bytes, MAX_XML);
  const [, read] = Object.entries(FORMATS).find(([name]) => zip.has(name)) ?? [];
  return read ? { text: await read(zip, limit) } : { problem: "kind" };
}
