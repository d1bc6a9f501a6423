/* Entries of a ZIP file, as office documents are. Sizes are bounded, because a small file can hold a huge text. */

import { all, parse } from "./xml.js";

const MAX_ENTRIES = 10_000;
const STORED = 0;
const DEFLATED = 8;

export class Zip {
  #bytes;
  #view;
  #entries = new Map();
  #left;

  /** Reads the directory. Throws an Error for bytes that are no ZIP file. `limit`: bytes of all the texts that are read. */
  constructor(bytes, limit) {
    this.#left = limit;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const end = this.#directoryEnd();
    const count = Math.min(MAX_ENTRIES, this.#view.getUint16(end + 10, true));
    let at = this.#view.getUint32(end + 16, true);
    for (let entry = 0; entry < count; entry += 1) {
      if (this.#view.getUint32(at, true) !== 0x02014b50) throw new Error("The directory is damaged.");
      const [method, size, offset] = [this.#view.getUint16(at + 10, true), this.#view.getUint32(at + 20, true), this.#view.getUint32(at + 42, true)];
      const [nameLength, extra, comment] = [28, 30, 32].map((field) => this.#view.getUint16(at + field, true));
      const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
      this.#entries.set(name, { method, size, offset });
      at += 46 + nameLength + extra + comment;
    }
  }

  has(name) {
    return this.#entries.has(name);
  }

  /** Resolves to the text of an entry, "" if there is none. Throws an Error if it is damaged or too long. */
  async text(name) {
    const entry = this.#entries.get(name);
    if (!entry) return "";
    const start = entry.offset + 30 + this.#view.getUint16(entry.offset + 26, true) + this.#view.getUint16(entry.offset + 28, true);
    const packed = this.#bytes.subarray(start, start + entry.size);
    if (![STORED, DEFLATED].includes(entry.method)) throw new Error("The compression is unknown.");
    const stream = new Blob([packed]).stream();
    return this.#read(entry.method === STORED ? stream : stream.pipeThrough(new DecompressionStream("deflate-raw")));
  }

  /** Resolves to the parts that the part `name` of an Office document refers to, by their ID there. */
  async targets(name) {
    const [folder, file] = /^(.*\/)?([^/]*)$/.exec(name).slice(1);
    const links = await this.text(`${folder ?? ""}_rels/${file}.rels`);
    return new Map(links ? all(parse(links), "Relationship").map(({ attributes }) => [attributes.Id, resolved(folder ?? "", attributes.Target ?? "")]) : []);
  }

  async #read(stream) {
    const decoder = new TextDecoder();
    const reader = stream.getReader();
    const parts = [];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return parts.join("") + decoder.decode();
      this.#left -= value.length;
      if (this.#left < 0) {
        reader.cancel().catch(() => {});
        throw new RangeError("The text is too long.");
      }
      parts.push(decoder.decode(value, { stream: true }));
    }
  }

  #directoryEnd() {
    // At most 64 kB of comment may follow it.
    for (let at = this.#bytes.length - 22; at >= Math.max(0, this.#bytes.length - 65_557); at -= 1) {
      if (this.#view.getUint32(at, true) === 0x06054b50) return at;
    }
    throw new Error("The directory is missing.");
  }
}

/** A part's name from its path in another part: "../notesSlides/a.xml" in "ppt/slides/" is "ppt/notesSlides/a.xml". */
const resolved = (folder, path) => decodeURIComponent(new URL(path, `https://zip/${folder}`).pathname.slice(1));
