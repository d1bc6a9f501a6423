/* Code blocks in answers: a card with language, copy, wrap and save, highlighted once the fence is closed. */

import { copy, h, icon } from "chat/dom";
import { later, nowOrLater } from "chat/drawing/later";
import { inRuns } from "chat/drawing/runs";

const ALIASES = {
  "c#": "csharp", "c++": "cpp", cc: "cpp", cs: "csharp", docker: "dockerfile", golang: "go", h: "c", hpp: "cpp", html: "xml",
  js: "javascript", jsx: "javascript", kt: "kotlin", make: "makefile", md: "markdown", mjs: "javascript", py: "python",
  py3: "python", python3: "python", rb: "ruby", rs: "rust", sh: "bash", shell: "bash", console: "bash", svg: "xml", toml: "ini",
  ts: "typescript", tsx: "typescript", vue: "xml", yml: "yaml", zsh: "bash", patch: "diff", postgresql: "sql", jsonc: "json",
};
const LANGUAGES = new Set([
  "bash", "c", "cpp", "csharp", "css", "diff", "dockerfile", "go", "ini", "java", "javascript", "json", "kotlin", "lua",
  "makefile", "markdown", "php", "python", "r", "ruby", "rust", "scala", "sql", "swift", "typescript", "xml", "yaml",
]);
/** Highlighting longer code would block the page. */
const MAX_LENGTH = 40_000;
/** Shorter code is highlighted at once if there is time, and so laid out once. */
const SHORT = 2000;

const EXTENSIONS = {
  bash: "sh", csharp: "cs", dockerfile: "Dockerfile", javascript: "js", kotlin: "kt", makefile: "mk", markdown: "md", python: "py",
  ruby: "rb", rust: "rs", typescript: "ts", xml: "html", yaml: "yml",
};

let core = null;
let highlighter = null; // once it is loaded
const loaded = new Map();

async function load(language) {
  core ??= import("hljs/core");
  loaded.has(language) || loaded.set(language, import(`hljs/${language}`));
  const [{ default: hljs }, { default: definition }] = await Promise.all([core, loaded.get(language)]);
  if (!hljs.getLanguage(language)) hljs.registerLanguage(language, definition);
  return (highlighter = hljs);
}

/** The highlight.js language of a code element, or "". */
export function languageOf(code) {
  const named = /language-([\w+#.-]+)/.exec(code.className)?.[1].toLowerCase() ?? "";
  const language = ALIASES[named] ?? named;
  return LANGUAGES.has(language) ? language : "";
}

/** Wraps every `pre` below `root` in a card. */
export function wrapCode(root) {
  for (const pre of root.querySelectorAll("pre")) {
    const place = document.createComment("");
    pre.replaceWith(place);
    place.replaceWith(codeCard(pre));
  }
}

/** A card that contains `pre`. */
export function codeCard(pre) {
  const code = pre.firstElementChild;
  const named = /language-([\w+#.-]+)/.exec(code.className)?.[1] ?? "text";
  pre.tabIndex = 0;
  pre.role = "group";
  pre.ariaLabel = `Code, ${named}`;
  return h("div.code", {}, h("header", {}, h("span", {}, named), h("span.push.code-actions", {},
    h("button.btn.quiet.small", { type: "button", data: { act: "wrap" }, aria: { pressed: "false" } }, "Wrap"),
    h("button.btn.quiet.small", { type: "button", data: { act: "save" }, aria: { label: "Save as file" } }, icon("download"), h("span.hide-sm", {}, "Save")),
    h("button.btn.quiet.small", { type: "button", data: { act: "copy" } }, icon("copy"), "Copy"))), pre);
}

/** Highlights the code below `root`. Call it only after the fence is closed. */
export function highlight(root) {
  for (const code of root.querySelectorAll("pre code")) {
    const language = languageOf(code);
    const source = code.textContent;
    if (!language || source.length > MAX_LENGTH) continue;
    const color = () => {
      if (code.textContent === source) code.replaceChildren(...inRuns(colored(source, language)));
    };
    if (!highlighter?.getLanguage(language)) load(language).then(() => later(color), () => {}); // offline: leave it plain
    else if (source.length < SHORT) nowOrLater(color);
    else later(color);
  }
}

function colored(source, language) {
  const box = document.createElement("div");
  box.innerHTML = highlighter.highlight(source, { language, ignoreIllegals: true }).value;
  return [...box.childNodes];
}

/** Handles the card buttons below `root`; `save(name, blob)` saves a file. */
export function handleCards(root, save) {
  root.addEventListener("click", ({ target }) => {
    const button = target.closest(".code-actions [data-act]");
    if (!button) return;
    const box = button.closest(".code");
    const code = box.querySelector("code");
    if (button.dataset.act === "copy") copy(code.textContent, button);
    else if (button.dataset.act === "save") {
      const language = languageOf(code);
      save(`code.${EXTENSIONS[language] ?? (language || "txt")}`, new Blob([code.textContent], { type: "text/plain" }));
    } else button.setAttribute("aria-pressed", String(box.classList.toggle("wrapped")));
  });
}
