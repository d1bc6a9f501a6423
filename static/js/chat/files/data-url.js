/* Blobs and data: URLs. A page can't fetch the latter: the content policy doesn't let it. */

const FORM = /^data:([\w.+-]+\/[\w.+-]+)?(?:;[\w=.-]+)*;base64,([\w+/=]*)$/;

/** Resolves to a blob's data: URL. */
export function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** The blob of a data: URL in base64, or null. Throws an Error for base64 that is damaged. */
export function blobOf(url) {
  const found = FORM.exec(url ?? "");
  if (!found) return null;
  const [, type = "", data] = found;
  const bytes = Uint8Array.fromBase64?.(data) ?? Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type });
}
