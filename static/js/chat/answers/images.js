/* Images that a model makes become files of their answer. */

import { blobOf } from "chat/files/data-url";

const TYPES = { "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif" };

/**
 * The file of an answer's image with this number, from its data: URL: its id follows from the answer's, so that a resumed answer writes
 * it once. Null for a URL of another kind or an image of another type.
 */
export function imageFile(message, number, url) {
  let blob = null;
  try {
    blob = blobOf(url);
  } catch {
    // cut off on its way
  }
  if (!TYPES[blob?.type]) return null;
  return {
    id: `${message.id}-${number}`, conversation: message.conversation, kind: "image", name: `image-${number}.${TYPES[blob.type]}`,
    type: blob.type, size: blob.size, blob,
  };
}
