/* Welcome screen of a new chat: suggestions and recent models. */

import { h, icon } from "chat/dom";
import { avatar } from "chat/thread/turn";

const STARTERS = [
  ["code", "Write a rate limiter", "Write a token bucket rate limiter in Python, with tests and a short explanation of the edge cases."],
  ["book", "Explain an idea", "Explain how public key cryptography works to a curious twelve-year-old, then to a computer science student."],
  ["list", "Compare options", "Compare PostgreSQL, SQLite and DuckDB in a table: best use, concurrency, deployment, limits."],
  ["edit", "Improve a text", "Make this message shorter and friendlier without losing anything important:\n\n"],
];

/** `write(text)` fills the message box; `use(model)` switches to a model; `toggleTemporary()` makes the chat temporary. With `logged`, the account stores what is said. */
export function welcome({ room, models, logged, write, use, toggleTemporary }) {
  const chosen = room.conversation.models;
  const recent = models.recent.filter((id) => models.all.has(id) && !chosen.includes(id)).slice(0, 4);
  const [first] = chosen;
  return h("div.welcome", {},
    h("div.greeting", {},
      h("h2", {}, chosen.length > 1 ? `Ask ${chosen.length} models at once` : `Ask ${models.get(first).short}`),
      h("p.muted", {}, savedWhere(room.temporary, logged)),
      h("button.btn.small.temporary-switch", { type: "button", title: "Temporary chat (Ctrl+Shift+E)", aria: { pressed: String(room.temporary) }, onclick: toggleTemporary },
        icon("eye-off", "small"), "Temporary chat")),
    h("ul.starters", {}, STARTERS.map(([name, title, text]) => h("li", {}, h("button", { type: "button", onclick: () => write(text) },
      icon(name), h("span", {}, h("strong", {}, title), h("small.muted", {}, text.trim().replace(/\s+/g, " "))))))),
    recent.length > 0 && h("div.recent", {}, h("h3", {}, "Recent"),
      h("ul", {}, recent.map((id) => h("li", {}, h("button.btn", { type: "button", onclick: () => use(id) }, avatar(models.get(id)), h("span.truncate", {}, models.get(id).short)))))));
}

function savedWhere(temporary, logged) {
  if (logged) return temporary ? "This chat isn't saved in this browser." : "Chats are saved in this browser.";
  return temporary ? "This chat isn't saved, not even in this browser." : "Chats are saved only in this browser, never on our servers.";
}
