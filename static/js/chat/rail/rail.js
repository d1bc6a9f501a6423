/* Sidebar: all chats, pinned, in folders and by date, with search in titles and messages. */

import { $, announce, ask, h, icon, toast } from "chat/dom";
import { dragChats } from "chat/rail/dragging";
import { Folders } from "chat/rail/folders";
import { listView } from "chat/rail/list";
import { titleFrom } from "chat/title";

const SEARCH_PAUSE = 150;

/** Opens a menu that serves several buttons at one of them. */
function openMenu(menu, button) {
  const at = button.getBoundingClientRect();
  menu.showPopover();
  const { offsetHeight: height, offsetWidth: width } = menu;
  menu.style.top = `${at.bottom + height + 8 > innerHeight ? Math.max(8, at.top - height) : at.bottom + 4}px`;
  menu.style.left = `${Math.min(Math.max(8, at.right - width), innerWidth - width - 8)}px`;
  menu.querySelector("button").focus();
}

export class Rail {
  #timer = 0;
  #round = 0;

  constructor({ room, store, tabs, answers, open, startNew, save }) {
    Object.assign(this, { room, store, tabs, answers, open, startNew, save });
    this.element = $("#rail");
    this.list = $("#conversations");
    this.search = $("#rail-search");
    this.menu = $("#conversation-menu");
    this.folderMenu = $("#folder-menu");
    this.moveMenu = $("#move-menu");
    this.folders = new Folders({ store, tabs, ask: (question) => this.#ask(question), changed: () => this.show() });
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
    this.folderMenu.addEventListener("click", ({ target }) => this.#onFolderAction(target.closest("button")?.dataset.act));
    this.moveMenu.addEventListener("click", ({ target }) => this.#onMove(target.closest("button")?.dataset));
    $("#new-folder").addEventListener("click", () => this.folders.create());
    dragChats(this.list, (id, folder) => this.#move(id, folder));
    for (const name of ["opened", "list", "settings"]) room.on(name, () => this.#scheduleShow());
    for (const name of ["began", "ended"]) answers.on(name, () => this.#scheduleShow());
  }

  close() {
    if (this.element.matches(":popover-open")) this.element.hidePopover();
  }

  /** Asks in a dialog, which closes the drawer on phones until it is answered. */
  async #ask(question) {
    const isDrawer = this.element.matches(":popover-open");
    const answer = await ask(question);
    if (isDrawer) this.element.showPopover();
    return answer;
  }

  #scheduleShow() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.show(), 30);
  }

  async show() {
    const round = (this.#round += 1);
    const query = this.search.value.trim();
    const [conversations, folders] = await Promise.all([this.store.conversations(), this.folders.all()]);
    const all = conversations.sort((a, b) => b.updated - a.updated);
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = words.length ? await this.store.search(words) : new Map();
    if (round !== this.#round) return;
    const titleMatches = (conversation) => words.every((word) => conversation.title.toLowerCase().includes(word));
    const chats = query ? all.filter((conversation) => titleMatches(conversation) || hits.has(conversation.id)) : all;
    Object.assign(this, { all, known: folders, hits, words });
    const restoreFocus = this.#focusKeeper();
    this.list.replaceChildren(...listView({
      chats, folders, query, excerpts: hits, current: this.room.conversation?.id, busy: this.answers.conversations,
    }));
    restoreFocus();
  }

  /** A function that focuses the same chat or folder again after the list was drawn anew. */
  #focusKeeper() {
    const at = document.activeElement?.closest?.("#conversations [data-id], #conversations [data-folder]");
    if (!at) return () => {};
    const { id, folder } = at.dataset;
    return () => {
      const row = id && this.list.querySelector(`[data-id="${CSS.escape(id)}"] a`);
      const parent = folder ?? this.all.find((chat) => chat.id === id)?.folder; // the row of a chat in a collapsed folder is hidden
      const place = row?.checkVisibility() ? row : parent && this.list.querySelector(`[data-folder="${CSS.escape(parent)}"] .fold`);
      place?.focus();
    };
  }

  #click(event) {
    const section = event.target.closest("[data-folder]");
    const folder = section && this.known.find(({ id }) => id === section.dataset.folder);
    const row = event.target.closest("[data-id]");
    const dots = event.target.closest("[data-menu]");
    if (dots && row) this.#openMenu(row, dots);
    else if (dots && folder) {
      this.chosenFolder = folder;
      openMenu(this.folderMenu, dots);
    } else if (event.target.closest("[data-fold]") && folder) this.folders.toggle(folder);
    else if (row && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      this.close();
      const hit = this.hits.get(row.dataset.id);
      this.open(row.dataset.id, hit && { message: hit.message, words: this.words });
    }
  }

  #openMenu(row, dots) {
    this.chosen = this.all.find(({ id }) => id === row.dataset.id);
    this.chosenDots = dots;
    this.menu.querySelector('[data-act="pin"] span').textContent = this.chosen.pinned ? "Unpin" : "Pin";
    openMenu(this.menu, dots);
  }

  async #onAction(act) {
    if (!act) return;
    this.menu.hidePopover();
    if (act === "move") {
      this.#openMoveMenu();
      return;
    }
    const conversation = await this.#current(this.chosen.id);
    if (!conversation) return;
    if (act === "rename") await this.rename(conversation);
    else if (act === "pin") await this.#change(conversation, { pinned: !conversation.pinned });
    else if (act === "delete") await this.remove(conversation);
    else this.save(act, conversation);
  }

  #onFolderAction(act) {
    if (!act) return;
    this.folderMenu.hidePopover();
    const folder = this.chosenFolder;
    if (act === "new") this.startNew({ folder: folder.id });
    else if (act === "rename") this.folders.rename(folder);
    else this.folders.remove(folder);
  }

  /** The menu with all folders, in place of the chat's menu. */
  #openMoveMenu() {
    const here = this.known.find(({ id }) => id === this.chosen.folder);
    this.moveMenu.replaceChildren(
      ...this.known.map((folder) => h("button", { type: "button", data: { folder: folder.id }, aria: { current: String(folder === here) } },
        icon(folder === here ? "check" : "folder"), h("span.truncate", {}, folder.name))),
      ...(this.known.length ? [h("hr")] : []),
      h("button", { type: "button", data: { act: "create" } }, icon("plus"), h("span", {}, "New folder…")),
      ...(here ? [h("button", { type: "button", data: { act: "out" } }, icon("close"), h("span", {}, "Remove from folder"))] : []),
    );
    openMenu(this.moveMenu, this.chosenDots);
  }

  async #onMove(data) {
    if (!data) return;
    this.moveMenu.hidePopover();
    const { id } = this.chosen;
    const folder = data.act === "create" ? (await this.folders.create())?.id : data.act === "out" ? null : data.folder;
    if (folder !== undefined) await this.#move(id, folder);
  }

  async #move(id, folder) {
    const conversation = await this.#current(id);
    if (!conversation || (conversation.folder ?? null) === folder) return;
    await this.#change(conversation, { folder });
    announce(folder ? `Moved to ${(await this.folders.all()).find((other) => other.id === folder)?.name}.` : "Removed from its folder.");
  }

  #current(id) {
    return id === this.room.conversation.id ? this.room.conversation : this.store.conversation(id);
  }

  async rename(conversation) {
    const title = await this.#ask({ title: "Rename chat", action: "Rename", value: conversation.title });
    if (title === null) return;
    if (title) await this.#change(conversation, { title, titled: "user" });
    else {
      const [first] = (await this.store.messages(conversation.id)).filter(({ role }) => role === "user").sort((a, b) => a.created - b.created);
      await this.#change(conversation, { title: titleFrom(first?.text ?? ""), titled: "auto" });
    }
  }

  async #change(conversation, changes) {
    if (conversation.id === this.room.conversation.id) await this.room.change(changes);
    else {
      await this.store.write({ conversations: [{ ...conversation, ...changes }] });
      this.tabs.broadcast("conversation", conversation.id);
    }
    await this.show();
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
