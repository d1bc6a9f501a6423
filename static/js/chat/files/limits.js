/* How much may be attached, and the words for it. */

export const MAX_FILES = 10;
export const MAX_IMAGE_SIDE = 2048;
export const MAX_IMAGE_BYTES = 3_000_000;
export const MAX_PDF_BYTES = 8_000_000;
/** Pages of a PDF that models read as text. */
export const MAX_PDF_PAGES = 400;
export const MAX_OFFICE_BYTES = 20_000_000;
export const MAX_AUDIO_BYTES = 10_000_000;
/** Bytes of text in a file, and characters of a document that becomes text. */
export const MAX_TEXT = 600_000;
/** Seconds of a recording. It takes 32 kB a second. */
export const MAX_RECORDING = 300;

/** "1.4 MB" */
export function bytes(count) {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} GB`;
  if (count >= 1e6) return `${Number((count / 1e6).toFixed(count < 1e7 ? 1 : 0))} MB`;
  return count >= 1000 ? `${Math.round(count / 1000)} kB` : `${count} B`;
}

/** The limits in a sentence each, for before a file is chosen. */
export const LIMITS = [
  `Up to ${MAX_FILES} files per message.`,
  `PDFs up to ${bytes(MAX_PDF_BYTES)} (as text: ${MAX_PDF_PAGES} pages), Office documents ${bytes(MAX_OFFICE_BYTES)}, audio ${bytes(MAX_AUDIO_BYTES)}, text ${bytes(MAX_TEXT)}.`,
  "Large images are made smaller.",
].join(" ");
