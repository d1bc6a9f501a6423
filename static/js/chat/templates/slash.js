/* The list that "/" at the start of the message box opens: prompt templates, then commands. Esc closes it, so that a
   message that starts with "/" can be sent. */

import { $, announce, h, icon } from "chat/dom";
import { fill } from "chat/templates/dialog";

export class Slash {
  #found = []; // of templates and commands
  #active = 0;
  #closed = false; // until the box no longer starts with "/"

  /** `commands` are {name, label, icon, run}. */
  constructor({ composer, templates, commands }) {
    Object.assign(this, { composer, templates, commands });
    this.area = composer.area;
    this.list = $("#slash-list");
    this.area.addEventListener("input", () => this.#update());
    this.area.addEventListener("blur", () => this.#hide());
    // Before the composer, which sends with Enter.
    composer.form.addEventListener("keydown", (event) => this.#key(event), true);
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()); // the box keeps the focus
    this.list.addEventListener("click", ({ target }) => {
      const option = target.closest("[role=option]");
      if (option) this.#choose([...this.list.children].indexOf(option));
    });
  }

  #update() {
    const query = /^\/([^\n]*)$/.exec(this.area.value)?.[1].trim().toLowerCase();
    if (query === undefined) this.#closed = false;
    this.#found = query === undefined || this.#closed ? [] : this.#find(query);
    this.#active = 0;
    this.#show();
  }

  #find(query) {
    const rank = ({ name }) => (name.toLowerCase().startsWith(query) ? 0 : 1);
    const templates = this.templates.all.filter(({ name }) => name.toLowerCase().includes(query)).sort((a, b) => rank(a) - rank(b));
    return [...templates, ...this.commands.filter(({ name }) => name.startsWith(query))];
  }

  #show() {
    const open = this.#found.length > 0;
    if (open && this.list.hidden) announce(`${this.#found.length} suggestions. Arrow keys choose one, Escape closes them.`);
    this.list.hidden = !open;
    this.list.replaceChildren(...this.#found.map((each, at) => {
      const isCommand = Boolean(each.run);
      return h("li", { id: `slash-${at}`, role: "option", aria: { selected: String(at === this.#active) } },
        icon(isCommand ? each.icon : "book", "small"), h("span.name.truncate", {}, isCommand ? `/${each.name}` : each.name),
        h("span.about.truncate", { dir: "auto" }, isCommand ? each.label : each.text.replace(/\s+/g, " ")));
    }));
    this.#mark();
  }

  #mark() {
    for (const [at, option] of [...this.list.children].entries()) option.setAttribute("aria-selected", String(at === this.#active));
    const active = this.list.children[this.#active];
    if (active) this.area.setAttribute("aria-activedescendant", active.id);
    else this.area.removeAttribute("aria-activedescendant");
    active?.scrollIntoView({ block: "nearest" });
  }

  #hide() {
    this.#found = [];
    this.#show();
  }

  #key(event) {
    if (this.list.hidden || event.target !== this.area || event.isComposing || event.keyCode === 229) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.#active = (this.#active + step + this.#found.length) % this.#found.length;
      this.#mark();
    } else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey) this.#choose(this.#active);
    else if (event.key === "Escape") {
      this.#closed = true;
      this.#hide();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  async #choose(at) {
    const chosen = this.#found[at];
    this.#hide();
    if (chosen.run) {
      this.composer.write("");
      chosen.run();
      return;
    }
    const text = await fill(chosen);
    if (text === null) this.area.focus();
    else this.composer.write(text);
  }
}
