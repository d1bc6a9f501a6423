/** Text as a block of code in Markdown, with a fence longer than any in it. */
export function fenced(text, language = "") {
  const fence = "`".repeat([...text.matchAll(/`+/g)].reduce((longest, [run]) => Math.max(longest, run.length + 1), 3));
  return `${fence}${language}\n${text}\n${fence}`;
}
