/* Text of a file in any common encoding. */

const CONTROLS = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/; // an escape may color a log

/** The text of `bytes`: UTF-16 with a byte order mark, UTF-8, or else Windows-1252. Null for bytes that are no text. */
export function decoded(bytes) {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
  const text = read(bytes, encoding) ?? read(bytes, "windows-1252");
  return text === null || CONTROLS.test(text) ? null : text;
}

function read(bytes, encoding) {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
