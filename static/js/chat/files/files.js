/* Attachments: images, PDFs, audio and text, validated and downscaled before they are stored. Office documents become
   text. */

import { isAudio, preparedAudio } from "chat/files/audio";
import { decoded } from "chat/files/decoding";
import { documentText } from "chat/files/documents";
import { isCompound, isPdf, isZip } from "chat/files/kinds";
import { MAX_IMAGE_BYTES, MAX_IMAGE_SIDE, MAX_OFFICE_BYTES, MAX_PDF_BYTES, MAX_TEXT, bytes } from "chat/files/limits";
import { newId } from "chat/device/ids";
import { shownName } from "chat/files/names";
import { pdfText } from "chat/files/pdf";

const IMAGE_TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const DOCUMENTS = /\.(docx|docm|xlsx|xlsm|pptx|pptm|odt|ods|odp)$/i;
const SUPPORTED = "an image, a PDF, an Office document, audio, or a text file";

/** A record for the store. Throws an Error whose message names the problem with the file. */
export async function prepare(file) {
  const name = shownName(file.name, "pasted");
  const record = { id: newId(), name, type: file.type, size: file.size, blob: file };
  if (!file.size) throw new Error(`${name} is empty. Attach another file.`);
  if (IMAGE_TYPES.includes(file.type)) return { ...record, kind: "image", ...(await downscaled(file, name)) };
  const head = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  if (file.type === "application/pdf" || isPdf(head)) return { ...record, kind: "pdf", ...(await preparedPdf(file, name)) };
  if (isAudio(file, head)) return { ...record, kind: "audio", ...(await preparedAudio(file, head, name)) };
  const type = textType(file);
  const blob = new Blob([isZip(head) ? await officeOf(file, name) : await textOf(file, head, name)], { type });
  return { ...record, kind: "text", type, size: blob.size, blob };
}

/** Windows names .ts files videos and .csv files spreadsheets: what is text is decided by its bytes. */
const textType = ({ type }) => (/^(text\/|application\/(json|xml|javascript|sql|x-sh|yaml|toml))/.test(type) ? type : "text/plain");

/** The PDF with its text, which some models get in its place. */
async function preparedPdf(file, name) {
  if (file.size > MAX_PDF_BYTES) throw new Error(`${name} is larger than ${bytes(MAX_PDF_BYTES)}. Attach a smaller PDF.`);
  const found = await pdfText(file);
  if (found.problem === "locked") throw new Error(`${name} is protected with a password. Save it without one, and attach that.`);
  return { type: "application/pdf", blob: file.slice(0, file.size, "application/pdf"), ...found };
}

async function textOf(file, head, name) {
  if (isCompound(head)) throw new Error(`${name} is protected or in an old format. Save it without a password as .docx, .xlsx or .pptx.`);
  const [group] = file.type === "image/svg+xml" ? ["text"] : file.type.split("/");
  const isMedia = ["image", "video"].includes(group);
  const tooLarge = `${name} is larger than ${bytes(MAX_TEXT)}. Attach a smaller text file.`;
  // UTF-16 takes twice the bytes. A long video is not read to find out that it is no text.
  const tooLong = file.size > 2 * MAX_TEXT;
  if (tooLong && !isMedia) throw new Error(tooLarge);
  const text = tooLong ? null : decoded(new Uint8Array(await file.arrayBuffer()));
  if (text !== null) {
    if (new Blob([text]).size > MAX_TEXT) throw new Error(tooLarge);
    return text;
  }
  if (group === "image") throw new Error(`${name}: only PNG, JPEG, WebP and GIF images are supported.`);
  if (isMedia) throw new Error(`${name}: videos aren't supported. Attach images of them, or the sound as audio.`);
  throw new Error(`${name} isn't supported. Attach ${SUPPORTED}.`);
}

async function officeOf(file, name) {
  if (!DOCUMENTS.test(name)) throw new Error(`${name} isn't supported. Attach the files in it one by one: ${SUPPORTED}.`);
  if (file.size > MAX_OFFICE_BYTES) throw new Error(`${name} is larger than ${bytes(MAX_OFFICE_BYTES)}. Attach a smaller document.`);
  const { text, problem } = await documentText(file, MAX_TEXT);
  if (problem === "long") throw new Error(`${name} has more than ${bytes(MAX_TEXT)} of text. Attach a part of it.`);
  if (problem) throw new Error(`${name} can't be read. It may be damaged. Save it again, or attach it as a PDF or text.`);
  if (!text) throw new Error(`${name} has no text. Attach it as a PDF.`);
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
async function downscaled(file, name) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`${name} can't be read as an image. Attach another file.`);
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
