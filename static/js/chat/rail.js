/* Sidebar: all conversations by date, with search in titles and messages. */

import { groupOf } from "chat/dates";
import { $, ask, h, icon, toast } from "chat/dom";
import { titleFrom } from "chat/title";

const SEARCH_PAUSE = 150;

export class Rail {
  #timer = 0;
  #round = 0;

  constructor({ room, store, tabs, answers, open, startNew, save }) {
    Object.assign(this, { room, store, tabs, answers, open, startNew, save });
    this.element = $("#rail");
    this.list = $("#conversations");
    this.search = $("#rail-search");
    this.menu = $("#conversation-menu");
    this.search.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.show(), SEARCH_PAUSE);
    });
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.search.value) {
        event.stopPropagation();
        this.search.value = "";
        this.show();
      }
    });
    this.list.addEventListener("click", (event) => this.#click(event));
    this.menu.addEventListener("click", ({ target }) => this.#onAction(target.closest("button")?.dataset.act));
    for (const name of ["opened", "list", "settings"]) room.on(name, () => this.#scheduleShow());
    for (const name of ["began", "ended"]) answers.on(name, () => this.#scheduleShow());
  }

  close() {
    if (this.element.matches(":popover-open")) this.element.hidePopover();
  }

  #scheduleShow() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.show(), 30);
  }

  async show() {
    const round = (this.#round += 1);
    const query = this.search.value.trim();
    const all = (await this.store.conversations()).sort((a, b) => b.pinned - a.pinned || b.updated - a.updated);
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = words.length ? await this.store.search(words) : new Map();
    if (round !== this.#round) return;
    const titleMatches = (conversation) => words.every((word) => conversation.title.toLowerCase().includes(word));
    const shown = query ? all.filter((conversation) => titleMatches(conversation) || hits.has(conversation.id)) : all;
    Object.assign(this, { all, hits, words });
    const groups = new Map();
    for (const conversation of shown) {
      const name = conversation.pinned ? "Pinned" : query ? "Found" : groupOf(conversation.updated);
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(conversation);
    }
    const focused = document.activeElement?.closest?.("#conversations [data-id]")?.dataset.id;
    this.list.replaceChildren(...[...groups].flatMap(([name, conversations]) => [
      h("h2", {}, name), h("ul", {}, conversations.map((conversation) => this.#row(conversation, hits.get(conversation.id)?.excerpt))),
    ]));
    if (!shown.length) this.list.append(this.#emptyState(query));
    if (focused) this.list.querySelector(`[data-id="${CSS.escape(focused)}"] a`)?.focus();
  }

  #row({ id, title, pinned }, snippet) {
    const current = id === this.room.conversation?.id;
    const busy = !current && this.answers.conversations.has(id);
    return h(`li.conv${current ? ".current" : ""}`, { data: { id } },
      h("a", { href: `#${id}`, ...(current ? { aria: { current: "page" } } : {}) },
        h("span.truncate", {}, pinned && icon("pin", "small"), title || "New chat"), busy && h("span.busy", {}, h("span.vh", {}, "answering")), snippet && h("small.truncate", {}, snippet)),
      h("button.dots", { type: "button", aria: { label: `Options for ${title || "New chat"}`, haspopup: "menu" }, data: { menu: "" } }, icon("dots")));
  }

  #emptyState(query) {
    return h("p.none", {}, query ? `No chats match “${query}”.` : "No chats yet. They're saved only on this device.");
  }

  #click(event) {
    const row = event.target.closest("[data-id]");
    if (!row) return;
    if (event.target.closest("[data-menu]")) {
      this.#openMenu(row);
    } else if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      this.close();
      const hit = this.hits.get(row.dataset.id);
      this.open(row.dataset.id, hit && { message: hit.message, words: this.words });
    }
  }

  #openMenu(row) {
    this.chosen = this.all.find(({ id }) => id === row.dataset.id);
    this.menu.querySelector('[data-act="pin"] span').textContent = this.chosen.pinned ? "Unpin" : "Pin";
    // One menu serves all rows: place it under the clicked button.
    const at = row.querySelector(".dots").getBoundingClientRect();
    this.menu.showPopover();
    const { offsetHeight: height, offsetWidth: width } = this.menu;
    this.menu.style.top = `${at.bottom + height + 8 > innerHeight ? Math.max(8, at.top - height) : at.bottom + 4}px`;
    this.menu.style.left = `${Math.min(Math.max(8, at.right - width), innerWidth - width - 8)}px`;
    this.menu.querySelector("button").focus();
  }

  async #onAction(act) {
    if (!act) return;
    this.menu.hidePopover();
    const { id } = this.chosen;
    const conversation = id === this.room.conversation.id ? this.room.conversation : await this.store.conversation(id);
    if (!conversation) return;
    if (act === "rename") await this.rename(conversation);
    else if (act === "pin") await this.#change(conversation, { pinned: !conversation.pinned });
    else if (act === "delete") await this.remove(conversation);
    else this.save(act, conversation);
  }

  async rename(conversation) {
    const title = await ask({ title: "Rename chat", action: "Rename", value: conversation.title });
    if (title === null) return;
    if (title) await this.#change(conversation, { title, titled: "user" });
    else {
      const [first] = (await this.store.messages(conversation.id)).filter(({ role }) => role === "user").sort((a, b) => a.created - b.created);
      await this.#change(conversation, { title: titleFrom(first?.text ?? ""), titled: "auto" });
    }
  }

  async #change(conversation, changes) {
    if (conversation.id === this.room.conversation.id) await this.room.change(changes);
    else await this.store.write({ conversations: [{ ...conversation, ...changes }] });
    this.tabs.broadcast("list");
    this.show();
  }

  /** Deletes immediately and offers to undo it. */
  async remove(conversation) {
    const current = conversation.id === this.room.conversation.id;
    this.answers.stopAll(conversation.id);
    const kept = await this.store.remove(conversation.id);
    if (current) this.startNew();
    this.tabs.broadcast("removed", conversation.id);
    this.show();
    toast(`“${conversation.title || "New chat"}” deleted.`, "", async () => {
      await this.store.write(kept);
      this.tabs.broadcast("list");
      this.show();
      if (current) this.open(conversation.id);
    });
  }
}
