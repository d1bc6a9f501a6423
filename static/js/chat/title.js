/* A conversation's title, derived from its first question. */

const MAX_LENGTH = 60;

/** The first sentence or line, without markup, cut at a word. */
export function titleFrom(text, files = []) {
  const line = text
    .replace(/```[\s\S]*?(```|$)/g, " ")
    .replace(/^[#>\s*-]+/, "")
    .replace(/[`*_#]/g, "")
    .split("\n")
    .map((part) => part.trim())
    .find(Boolean);
  if (!line) return files[0]?.name ?? "New chat";
  const sentence = /^.{12,}?[.?!](?=\s)/.exec(line)?.[0] ?? line;
  const short = sentence.replace(/[.:,;]$/, "");
  if (short.length <= MAX_LENGTH) return short[0].toUpperCase() + short.slice(1);
  const cut = short.slice(0, MAX_LENGTH);
  const words = cut.slice(0, Math.max(cut.lastIndexOf(" "), 30));
  return `${words[0].toUpperCase()}${words.slice(1)}…`;
}
