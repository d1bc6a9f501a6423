/* Text of a file in any common encoding. */

const CONTROLS = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/; // an escape may color a log
const SAMPLE = 4096;

/** Encodings of before UTF-8, by the language of the person's browser, as browsers choose them for pages that name none. */
const LEGACY = {
  ar: "windows-1256", be: "windows-1251", bg: "windows-1251", cs: "windows-1250", el: "windows-1253", et: "windows-1257", fa: "windows-1256",
  he: "windows-1255", hr: "windows-1250", hu: "windows-1250", ja: "shift_jis", ko: "euc-kr", lt: "windows-1257", lv: "windows-1257", mk: "windows-1251",
  pl: "windows-1250", ru: "windows-1251", sk: "windows-1250", sl: "windows-1250", sr: "windows-1251", th: "windows-874", tr: "windows-1254",
  uk: "windows-1251", vi: "windows-1258", zh: "gb18030", "zh-hk": "big5", "zh-mo": "big5", "zh-tw": "big5",
};

/**
 * The text of `bytes`: UTF-16, UTF-8, the usual encoding of a language, or else Windows-1252. Null for bytes that are no
 * text.
 */
export function decoded(bytes, language = navigator.language) {
  const tag = language.toLowerCase();
  const legacy = LEGACY[tag] ?? LEGACY[tag.split("-")[0]] ?? "windows-1252";
  const text = read(bytes, utf16(bytes) ?? "utf-8") ?? read(bytes, legacy) ?? read(bytes, "windows-1252");
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
