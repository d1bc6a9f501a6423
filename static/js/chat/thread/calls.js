/* The web search before an answer, and the tools that its model called. Names, arguments and pages are untrusted text. */

import { isRunning } from "chat/answers/answers";
import { h, icon } from "chat/dom";
import { indented } from "chat/drawing/json";

const MAX_NAME = 80;

const short = (name) => (name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name);

/** The names of the tools that an answer called, each once: "get_weather and get_time". */
export function calledTools({ calls = [] }) {
  const names = [...new Set(calls.map(({ name }) => short(name || "a tool")))];
  return new Intl.ListFormat("en", { type: "conjunction" }).format(names);
}

/** Shows the search of an answer in `place`. */
export function showSearch(place, message) {
  const { search } = message;
  const running = isRunning(message) && !message.meta?.generation_id;
  if (!search || (!search.query && !running)) return place.replaceChildren();
  const state = `${running} ${search.query} ${search.pages?.length}`;
  if (place.dataset.state === state && place.firstChild) return undefined; // stays open
  place.dataset.state = state;
  if (running) return place.replaceChildren(h("p.call.note", {}, icon("globe", "small"), "Searching the web…"));
  const pages = (search.pages ?? []).filter(({ url }) => /^https?:\/\//.test(url));
  return place.replaceChildren(h("details.call", {},
    h("summary", {}, icon("globe", "small"), "Searched the web", h("span.chip", {}, pages.length === 1 ? "1 page" : `${pages.length} pages`)),
    h("dl.dl", {}, h("dt", {}, "Query"), h("dd", { dir: "auto" }, search.query),
      h("dt", {}, "Result"), h("dd", {}, pages.length ? h("ol", {}, pages.map(({ url, title }) => h("li", {},
        h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow", dir: "auto" }, title || url)))) : "No pages found."))));
}

/** Shows the tool calls of an answer in `place`. Blocks stay as they are opened. */
export function showCalls(place, message) {
  const { calls = [] } = message;
  while (place.children.length > calls.length) place.lastChild.remove();
  calls.forEach((call, at) => {
    if (!place.children[at]) place.append(newBlock());
    update(place.children[at], call, isRunning(message) && at === calls.length - 1);
  });
}

function newBlock() {
  const pre = h("pre", { tabIndex: 0, role: "group", dir: "ltr", aria: { label: "Arguments" } }, h("code"));
  return h("details.call", {}, h("summary", {}, icon("tool", "small"), h("span.what"), h("bdi.mono.truncate"), h("span.chip")),
    h("dl.dl", {}, h("dt", {}, "Arguments"), h("dd", {}, pre), h("dt", {}, "Result"), h("dd.result")));
}

const STATES = {
  calling: ["Calling", "writing arguments", "The model is still writing the arguments."],
  complete: ["Called", "not run", "None. This chat shows tool calls and doesn't run them."],
  incomplete: ["Called", "incomplete", "None. The answer ended before the arguments were complete."],
};

function update(block, call, running) {
  const state = `${running} ${call.name} ${call.arguments.length}`;
  if (block.dataset.state === state) return;
  block.dataset.state = state;
  const pretty = running ? null : indented(call.arguments || "{}");
  const [what, chip, result] = STATES[running ? "calling" : pretty === null ? "incomplete" : "complete"];
  block.querySelector(".what").textContent = what;
  block.querySelector("bdi").textContent = short(call.name || "a tool");
  block.querySelector(".chip").textContent = chip;
  block.querySelector(".result").textContent = result;
  const code = block.querySelector("code");
  const [text, shown] = [pretty ?? call.arguments, code.textContent];
  if (text.startsWith(shown)) code.append(text.slice(shown.length)); // keeps the reader's selection
  else code.textContent = text;
}
