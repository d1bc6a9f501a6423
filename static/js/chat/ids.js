/* Ids and times that this browser gives out. */

const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz";

/** 24 letters and digits. `crypto.randomUUID` would need HTTPS. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(24)), (byte) => LETTERS[byte % 36]).join("");
}

let last = 0;

/** Milliseconds since 1970, never the same twice: messages are ordered by it. */
export function now() {
  last = Math.max(last + 1, Date.now());
  return last;
}
