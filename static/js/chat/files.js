/* Attachments: images, PDFs and text, validated and downscaled before they are stored. */

import { newId } from "chat/ids";

const IMAGE_TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const MAX_IMAGE_SIDE = 2048;
const MAX_IMAGE_BYTES = 3_000_000;
const MAX_PDF_BYTES = 8_000_000;
const MAX_TEXT_BYTES = 600_000;
export const MAX_FILES = 10;

/** A record for the store. Throws an Error whose message names the problem with the file. */
export async function prepare(file) {
  const record = { id: newId(), name: file.name || "pasted", type: file.type, size: file.size, blob: file };
  if (IMAGE_TYPES.includes(file.type)) return { ...record, kind: "image", ...(await downscaled(file)) };
  if (file.type === "application/pdf") {
    if (file.size > MAX_PDF_BYTES) throw new Error(`${file.name} is larger than 8 MB. Attach a smaller PDF.`);
    return { ...record, kind: "pdf" };
  }
  if (file.type.startsWith("image/")) throw new Error(`${file.name}: only PNG, JPEG, WebP and GIF images are supported.`);
  if (/^(video|audio)\//.test(file.type)) throw new Error(`${file.name}: video and audio aren't supported.`);
  if (file.size > MAX_TEXT_BYTES) throw new Error(`${file.name} is larger than 600 kB. Attach a smaller text file.`);
  if (!(await isText(file))) throw new Error(`${file.name} isn't supported. Attach an image, PDF or text file.`);
  return { ...record, kind: "text", type: file.type || "text/plain" };
}

/**
 * The files to attach of what is pasted. Spreadsheets and word processors copy a picture of the text beside the text:
 * then the text is meant. A file manager copies the files' names as the text: then the files are.
 */
export function pastedFiles(clipboard) {
  const files = [...clipboard.files];
  const lines = clipboard.getData("text/plain").split("\n").map((line) => line.trim()).filter(Boolean);
  const areNames = lines.every((line) => files.some((file) => file.name && line.endsWith(file.name)));
  return areNames ? files : files.filter((file) => !file.type.startsWith("image/"));
}

async function isText(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes.includes(0)) return false;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** An image that models accept, as {blob, type, size}: at most 2048 pixels a side and about 3 MB. */
async function downscaled(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`${file.name} can't be read as an image. Attach another file.`);
  }
  const scale = Math.min(1, MAX_IMAGE_SIDE / Math.max(bitmap.width, bitmap.height));
  if (scale === 1 && file.size <= MAX_IMAGE_BYTES) return { blob: file, type: file.type, size: file.size };
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // JPEG has no transparency
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.88));
  return { blob, type: blob.type, size: blob.size };
}

/** "1.4 MB" */
export function bytes(count) {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} GB`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
  return count >= 1000 ? `${Math.round(count / 1000)} kB` : `${count} B`;
}
