/* The text of PDFs, for models that take no files. PDF.js reads it in its worker; both load with the first PDF. */

import { MAX_PDF_PAGES, MAX_TEXT } from "chat/files/limits";

/** Milliseconds for reading one PDF. What has been read until then is its text. */
const PATIENCE = 60_000;

let library = null;

async function load() {
  const pdfjs = await import("pdfjs");
  pdfjs.GlobalWorkerOptions.workerSrc = import.meta.resolve("pdfjs/worker");
  return pdfjs;
}

/**
 * Resolves to `{text, pages, pages_read}` of a PDF, each page under a line with its number. Long ones are read in part:
 * `pages_read` is less than `pages` then. Without any text, it is `{text: "", problem}`: "locked" (it needs a password),
 * "images" (scanned pages), "damaged", or "offline" (the library could not be loaded).
 */
export async function pdfText(blob, limits = { pages: MAX_PDF_PAGES, text: MAX_TEXT }) {
  let pdfjs;
  try {
    pdfjs = await (library ??= load());
  } catch {
    library = null;
    return { text: "", problem: "offline" };
  }
  const task = pdfjs.getDocument({
    data: new Uint8Array(await blob.arrayBuffer()),
    cMapUrl: new URL("cmaps/", import.meta.resolve("pdfjs")).href, // for the encodings of Chinese, Japanese and Korean texts
    useWorkerFetch: false,
    isEvalSupported: false,
    disableFontFace: true,
    enableXfa: false,
    verbosity: pdfjs.VerbosityLevel.ERRORS,
  });
  const late = setTimeout(() => task.destroy(), PATIENCE);
  try {
    return await textOf(await task.promise, limits);
  } catch (error) {
    return { text: "", problem: error?.name === "PasswordException" ? "locked" : "damaged" };
  } finally {
    clearTimeout(late);
    task.destroy();
  }
}

async function textOf(document, limits) {
  const pages = document.numPages;
  const parts = [];
  let left = limits.text;
  let found = false;
  for (let number = 1; number <= Math.min(pages, limits.pages) && left > 0; number += 1) {
    const text = await pageText(document, number, left);
    if (text === null) break; // out of time
    left -= text.length;
    if (left < 0) break;
    found ||= text !== "";
    parts.push(`--- page ${number} ---\n${text || "(no text)"}\n`);
  }
  const pages_read = parts.length;
  if (!found) return { text: "", pages, problem: pages_read ? "images" : "damaged" };
  if (pages_read < pages) parts.push(`--- ${pages_read + 1 === pages ? `page ${pages} is` : `pages ${pages_read + 1} to ${pages} are`} left out ---\n`);
  return { text: parts.join("\n").trim(), pages, pages_read };
}

/** The text of a page, of which at most a little over `limit` characters are read; null if it can't be read in time. */
async function pageText(document, number, limit) {
  let text = "";
  try {
    const page = await document.getPage(number);
    const reader = page.streamTextContent({ disableNormalization: false }).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      for (const { str = "", hasEOL } of value.items) text += hasEOL ? `${str}\n` : str;
      if (text.length > limit) {
        reader.cancel(new Error("long enough")).catch(() => {});
        break;
      }
    }
    page.cleanup();
  } catch {
    return document.loadingTask.destroyed ? null : "";
  }
  return text.replace(/[^\S\n]+\n/g, "\n").replace(/\n{3,}/g, "\n\n").trim();
}
