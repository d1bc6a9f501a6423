/* Names of files, as they are shown and sent. */

/** Characters that don't show or that turn the text around: "exe.txt" could be "txt.exe". */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;
const MAX_LENGTH = 120;

/** A name without hidden characters, cut in the middle if it is long; the fallback for an empty one. */
export function shownName(name, fallback = "file") {
  const letters = [...name.replace(HIDDEN, "").replace(/\s+/g, " ").trim()];
  if (letters.length <= MAX_LENGTH) return letters.join("") || fallback;
  return [...letters.slice(0, MAX_LENGTH - 21), "…", ...letters.slice(-20)].join("");
}
