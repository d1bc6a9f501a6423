/* Formulas: `$$ … $$`, `\[ … \]`, `\( … \)` and `$ … $`, unless the `$` are amounts of money. KaTeX loads with the
   first formula. */

import { nowOrLater } from "chat/drawing/later";

const rule = (name, level, display, pattern, start) => ({
  name,
  level,
  start: (source) => {
    // A block starts only at the start of a line; a match inside a line would split the paragraph.
    const at = level === "block" ? source.search(new RegExp(`\\n${start.replace(/[$\\[]/g, "\\$&")}`)) : source.indexOf(start);
    return at < 0 ? undefined : at;
  },
  tokenizer(source) {
    const found = pattern.exec(source);
    return found && found[1].trim() ? { type: name, raw: found[0], text: found[1].trim() } : undefined;
  },
  renderer: ({ text }) =>
    `<span class="math${display ? " display" : ""}">${text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;")}</span>`,
});

/**
 * `$ … $` in a line, by Pandoc's rule: no space inside the dollars, no digit after them. Further, none stands in a word
 * ("US$5"), and between them are no words of a sentence ("$5 now, then 6$").
 */
function singleDollars() {
  const { renderer } = rule("singleDollars", "inline", false);
  return {
    name: "singleDollars",
    level: "inline",
    start: (source) => {
      const at = source.search(/(?<![\w$\\])\$(?![\s$])/);
      return at < 0 ? undefined : at;
    },
    tokenizer(source) {
      const found = /^\$(?![\s$])((?:\\.|[^$\\\n])+)\$(?![\w$])/.exec(source);
      if (!found || /\s$/.test(found[1]) || isProse(found[1])) return undefined;
      return { type: "singleDollars", raw: found[0], text: found[1] };
    },
    renderer,
  };
}

/** Whether a text between two `$` is one of words, apart from what a formula has as text and commands. */
function isProse(text) {
  const bare = text.replace(/\\(?:text|textbf|textit|mathrm|mathbf|operatorname|mbox)\*?\s*\{[^{}]*\}/g, "").replace(/\\[A-Za-z]+/g, " + ");
  const words = /[A-Za-z]{2,}[,;:]?\s+[A-Za-z]{2,}/;
  const amountAndWord = /^[\d.,]+(?:.*\s|[-–—/])[A-Za-z]{2,}/;
  const range = /^[\d.,]+\s*[kKMB]?\s*[-–—/]$/;
  return [words, amountAndWord, range].some((pattern) => pattern.test(bare));
}

// As in TeX, a formula contains no empty line, so text before an empty line is final.
const formulaUntil = (end) => `((?:(?!\\n[ \\t]*\\n)[\\s\\S])+?)${end}`;

/** Extensions for marked. */
export const mathExtensions = [
  rule("blockDollars", "block", true, new RegExp(`^\\$\\$${formulaUntil("\\$\\$")}(?:[ \\t]*(?:\\n|$))`), "$$"),
  rule("blockBrackets", "block", true, new RegExp(`^\\\\\\[${formulaUntil("\\\\\\]")}(?:[ \\t]*(?:\\n|$))`), "\\["),
  rule("dollars", "inline", true, new RegExp(`^\\$\\$${formulaUntil("\\$\\$")}`), "$$"),
  rule("brackets", "inline", true, new RegExp(`^\\\\\\[${formulaUntil("\\\\\\]")}`), "\\["),
  rule("parentheses", "inline", false, new RegExp(`^\\\\\\(${formulaUntil("\\\\\\)")}`), "\\("),
  singleDollars(),
];

let katex = null;
let render = null; // once it is loaded

function load() {
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = document.querySelector("#chat").dataset.katexCss;
  document.head.append(sheet);
  return import("katex");
}

/** Typesets the formulas below `root`. Until then, and for invalid formulas, their source is shown. */
export async function typeset(root) {
  const formulas = root.querySelectorAll(".math:not([data-set])");
  if (!formulas.length) return;
  for (const formula of formulas) formula.dataset.set = "";
  if (!render) {
    katex ??= load();
    try {
      ({ default: { render } } = await katex);
    } catch {
      katex = null; // offline: keep the source
      return;
    }
  }
  for (const formula of formulas) nowOrLater(() => set(formula));
}

function set(formula) {
  const source = formula.textContent;
  try {
    render(source, formula, { displayMode: formula.classList.contains("display"), maxExpand: 200, maxSize: 20, strict: "ignore", trust: false });
    formula.dataset.source = source;
  } catch {
    formula.textContent = source;
  }
}
