/* Attachments: images, PDFs and text, validated and downscaled before they are stored. Word and Excel documents become
   text. */

import { decoded } from "chat/files/decoding";
import { newId } from "chat/device/ids";
import { officeText } from "chat/files/office";
import { isZip } from "chat/files/zip";

const IMAGE_TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const MAX_IMAGE_SIDE = 2048;
const MAX_IMAGE_BYTES = 3_000_000;
const MAX_PDF_BYTES = 8_000_000;
const MAX_OFFICE_BYTES = 20_000_000;
const MAX_TEXT_BYTES = 600_000;
export const MAX_FILES = 10;

/** Older Word and Excel documents, and protected ones, begin so. */
const COMPOUND = [0xd0, 0xcf, 0x11, 0xe0];

/** A record for the store. Throws an Error whose message names the problem with the file. */
export async function prepare(file) {
  const record = { id: newId(), name: file.name || "pasted", type: file.type, size: file.size, blob: file };
  if (IMAGE_TYPES.includes(file.type)) return { ...record, kind: "image", ...(await downscaled(file)) };
  const head = new Uint8Array(await file.slice(0, 8).arrayBuffer());
  if (file.type === "application/pdf" || String.fromCharCode(...head).startsWith("%PDF-")) {
    if (file.size > MAX_PDF_BYTES) throw new Error(`${file.name} is larger than 8 MB. Attach a smaller PDF.`);
    return { ...record, kind: "pdf", type: "application/pdf", blob: file.slice(0, file.size, "application/pdf") };
  }
  const type = textType(file);
  const blob = new Blob([isZip(head) ? await officeOf(file) : await textOf(file, head)], { type });
  return { ...record, kind: "text", type, size: blob.size, blob };
}

/** Windows names .ts files videos and .csv files spreadsheets: what is text is decided by its bytes. */
const textType = ({ type }) => (/^(text\/|application\/(json|xml|javascript|sql|x-sh|yaml|toml))/.test(type) ? type : "text/plain");

async function textOf(file, head) {
  if (COMPOUND.every((byte, at) => head[at] === byte)) throw new Error(`${file.name} is protected or in an old format. Save it without a password as .docx or .xlsx.`);
  const [group] = file.type === "image/svg+xml" ? ["text"] : file.type.split("/");
  const isMedia = ["image", "video", "audio"].includes(group);
  const tooLarge = `${file.name} is larger than 600 kB. Attach a smaller text file.`;
  // UTF-16 takes twice the bytes. A long video is not read to find out that it is no text.
  const tooLong = file.size > 2 * MAX_TEXT_BYTES;
  if (tooLong && !isMedia) throw new Error(tooLarge);
  const text = tooLong ? null : decoded(new Uint8Array(await file.arrayBuffer()));
  if (text !== null) {
    if (new Blob([text]).size > MAX_TEXT_BYTES) throw new Error(tooLarge);
    return text;
  }
  if (group === "image") throw new Error(`${file.name}: only PNG, JPEG, WebP and GIF images are supported.`);
  if (isMedia) throw new Error(`${file.name}: video and audio aren't supported.`);
  throw new Error(`${file.name} isn't supported. Attach an image, a PDF, a Word or Excel document, or a text file.`);
}

async function officeOf(file) {
  if (!/\.(docx|docm|xlsx|xlsm)$/i.test(file.name)) throw new Error(`${file.name} isn't supported. Attach the files in it one by one, as images, PDFs, Word or Excel documents, or text.`);
  if (file.size > MAX_OFFICE_BYTES) throw new Error(`${file.name} is larger than 20 MB. Attach a smaller document.`);
  let text;
  try {
    text = await officeText(new Uint8Array(await file.arrayBuffer()), MAX_TEXT_BYTES);
  } catch (error) {
    if (error.name === "RangeError" && error.message.includes("too long")) throw new Error(`${file.name} has more than 600 kB of text. Attach a part of it.`);
    throw new Error(`${file.name} can't be read. It may be damaged. Save it again, or attach it as a PDF or text.`);
  }
  if (!text) throw new Error(`${file.name} has no text. Attach it as a PDF.`);
  return text;
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
