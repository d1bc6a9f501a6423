/* Ids, keys and timestamps. */

const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz";
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** A random id of 24 letters and digits. `crypto.randomUUID` needs HTTPS. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(24)), (byte) => LETTERS[byte % 36]).join("");
}

/** A random key of 32 bytes, in base64url. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(43)), (byte) => BASE64URL[byte % 64]).join("");
}

let last = 0;

/** Unix time in ms, strictly increasing, because messages are sorted by it. */
export function now() {
  last = Math.max(last + 1, Date.now());
  return last;
}
