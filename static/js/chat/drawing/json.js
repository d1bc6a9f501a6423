/* JSON for reading. */

/** Longer texts stay in one line, so that the page is not busy for long. */
const MAX_LENGTH = 200_000;
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;

/** A JSON text with line breaks and indentation; null for anything else. Numbers and repeated names stay as they are
    written, which they would not if the text were parsed and written again. */
export function indented(text) {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  if (text.length > MAX_LENGTH) return text;
  let depth = 0;
  let before = "";
  let result = "";
  const line = () => `\n${"  ".repeat(Math.min(depth, 40))}`;
  for (const [token] of text.matchAll(TOKEN)) {
    const closes = token === "}" || token === "]";
    if (closes) depth -= 1;
    const opened = before === "{" || before === "[";
    if ((opened && !closes) || before === "," || (closes && !opened)) result += line();
    result += token === ":" ? ": " : token;
    if (token === "{" || token === "[") depth += 1;
    before = token;
  }
  return result;
}
