/* Text of a file in any common encoding. */

const CONTROLS = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/; // an escape may color a log
const SAMPLE = 4096;

/** The text of `bytes`: UTF-16, UTF-8, or else Windows-1252. Null for bytes that are no text. */
export function decoded(bytes) {
  const text = read(bytes, utf16(bytes) ?? "utf-8") ?? read(bytes, "windows-1252");
  return text === null || CONTROLS.test(text) ? null : text;
}

/** "utf-16le" or "utf-16be", as a byte order mark says; without one, if every other byte is mostly zero. */
function utf16(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  const sample = bytes.subarray(0, SAMPLE);
  const zeros = [0, 0];
  sample.forEach((byte, at) => { zeros[at % 2] += byte === 0; });
  const [many, few] = [sample.length / 8, sample.length / 50];
  if (zeros[1] > many && zeros[0] <= few) return "utf-16le";
  return zeros[0] > many && zeros[1] <= few ? "utf-16be" : null;
}

function read(bytes, encoding) {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
