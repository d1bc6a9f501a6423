/* Values of an untrusted file: each function gives a value of its type, whatever it is given. */

import { newId } from "chat/device/ids";

/** A text, at most `maxLength` characters long. */
export const text = (value, maxLength = 10_000_000) => (typeof value === "string" ? value.slice(0, maxLength) : "");

/** A number of at least 0. */
export const number = (value) => (Number.isFinite(value) && value >= 0 ? value : 0);

/** An id; a new one in place of a value that is none. */
export const id = (value) => (typeof value === "string" && /^[\w-]{1,64}$/.test(value) ? value : newId());

export const list = (value) => (Array.isArray(value) ? value : []);

/** A copy of an object of plain data. */
export const plain = (value) => (isObject(value) ? JSON.parse(JSON.stringify(value)) : {});

export const isObject = (value) => Boolean(value) && typeof value === "object" && !Array.isArray(value);

/** A time that a Date can hold, in ms. */
export const instant = (value) => Math.min(number(value), 8.64e15);

/** Unix time in ms of a time in seconds, in ms or in ISO 8601; 0 for any other value. */
export function time(value) {
  if (typeof value === "string") return number(Date.parse(value));
  return instant(Math.trunc(number(value) < 1e11 ? number(value) * 1000 : number(value)));
}

/** An Error whose message is meant for the person, unlike one of the browser. */
export const readable = (message) => Object.assign(new Error(message), { readable: true });
