/* Markdown from a model to DOM. The input is untrusted: raw HTML stays text, links are limited to http, https and
   mailto, external images are never loaded automatically (their URLs can leak the conversation), and DOMPurify
   sanitizes the result. */

import DOMPurify from "dompurify";
import { Lexer, Marked, Parser, Tokenizer } from "marked";

import { mathExtensions } from "chat/drawing/math";

const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = (text) => text.replace(/[&<>"']/g, (character) => escapes[character]);

function safeUrl(href) {
  try {
    const url = new URL(href);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null; // a relative URL would point into this site
  }
}

/** marked 18 throws on a quote in a list item, after text, whose own list a line without its mark continues: it takes that
    list for one that interrupts the text. */
function blockquote(source) {
  const { state } = this.lexer;
  const before = state.lastToken;
  state.lastToken = undefined;
  const token = Tokenizer.prototype.blockquote.call(this, source);
  state.lastToken = before;
  return token;
}

const marked = new Marked({
  gfm: true,
  breaks: true,
  extensions: mathExtensions,
  tokenizer: { html: () => undefined, tag: () => undefined, blockquote },
  renderer: {
    html: ({ text }) => escape(text),
    heading({ tokens, level }) {
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    code({ text, lang }) {
      const language = /^[\w+#.-]{1,30}/.exec(lang ?? "")?.[0] ?? "";
      return `<pre><code class="${language ? `language-${escape(language)}` : ""}">${escape(text)}</code></pre>`;
    },
    link({ href, title, tokens }) {
      const text = this.parser.parseInline(tokens);
      const url = safeUrl(href);
      return url ? `<a href="${escape(url)}"${title ? ` title="${escape(title)}"` : ""}>${text}</a>` : text;
    },
    image({ href, text }) {
      if (/^data:image\/(png|jpeg|webp|gif);base64,[\w+/=]+$/.test(href)) return `<img src="${href}" alt="${escape(text)}">`;
      const url = safeUrl(href);
      const name = escape(text || "image");
      return url ? `<a class="remote-image" href="${escape(url)}">${name}</a>` : name;
    },
    checkbox: ({ checked }) => `<span class="task${checked ? " done" : ""}">${checked ? "done: " : "to do: "}</span>`,
  },
});

const ALLOWED = {
  ALLOWED_TAGS: [
    "a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol", "p", "pre", "span",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
  ],
  ALLOWED_ATTR: ["align", "alt", "class", "href", "src", "start", "title"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

/** State that the rest of a text needs from its start: link definitions and heading levels. */
export class Context {
  links = Object.create(null); // by label, which may be "constructor"
  top = 0; // Markdown depth of the first heading
  level = 2; // HTML level of the last heading; the page has an h1 and each message an h2

  copy() {
    return Object.assign(new Context(), this, { links: Object.assign(Object.create(null), this.links) });
  }
}

/** Tokens of a text that follows `context`, which is updated with their definitions.

    Of a `growing` text, only the links that `context` has are links: what looks like a definition at the end, such as
    "[note]: A", may become something else, and the tokens before it may already be final. */
export function tokenize(text, context = new Context(), { growing = false } = {}) {
  const lexer = new Lexer(marked.defaults);
  const { links } = context.copy();
  lexer.blockTokens(text, lexer.tokens);
  updateContext(lexer.tokens, context);
  // Not those that marked has noted: some are of blocks that it has read again as other ones.
  lexer.tokens.links = growing ? links : context.links;
  return lexer.lex(""); // what is in the blocks
}

/** Updates `context` from tokens and sets the level of their headings, which never skips a level downwards. */
export function updateContext(tokens, context) {
  for (const token of tokens) {
    if (token.type === "def") context.links[token.tag] ??= { href: token.href, title: token.title };
    if (token.type === "heading") {
      context.top ||= token.depth;
      token.level = Math.max(3, Math.min(6, context.level + 1, 3 + token.depth - context.top));
      context.level = token.level;
    }
    for (const inner of [token.type === "blockquote" && token.tokens, ...(token.type === "list" ? token.items.map((item) => item.tokens) : [])]) {
      if (inner) updateContext(inner, context);
    }
  }
}

/** A sanitized DocumentFragment for tokens. */
export function toFragment(tokens) {
  const fragment = DOMPurify.sanitize(Parser.parse(tokens, marked.defaults), ALLOWED);
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    if (link.classList.contains("remote-image")) labelImageLink(link);
  }
  for (const box of fragment.querySelectorAll("li > .task, li > p > .task")) box.closest("li").classList.add("todo");
  for (const table of fragment.querySelectorAll("table")) {
    const box = document.createElement("div");
    box.className = "tablewrap";
    box.tabIndex = 0;
    box.role = "group";
    box.ariaLabel = "Table";
    table.classList.add("t");
    table.replaceWith(box);
    box.append(table);
  }
  return fragment;
}

function labelImageLink(link) {
  link.title = "External image blocked for privacy. Opens in a new tab.";
  link.textContent = `Open image: ${link.textContent} (${new URL(link.href).host})`;
}
