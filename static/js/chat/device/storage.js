/* Chat settings: storage on this device, export and import, keyboard. */

import { $, ask, download, toast } from "chat/dom";
import { fileName, toJson, toMarkdown } from "chat/transfer/export";
import { setWipes, wipes } from "chat/device/wiping";
import { bytes } from "chat/files/limits";
import { planImport } from "chat/transfer/transfer";

const MANY_CHATS = 20;
const MONTH = 30 * 86_400_000;

export class Storage {
  settings = { enterSends: true, singleKeys: true };

  constructor({ user, store, room, models, tabs, answers, startNew, onsettings, ontemplates }) {
    Object.assign(this, { user, store, room, models, tabs, answers, startNew, onsettings, ontemplates });
    this.dialog = $("#settings");
    this.input = $("#import-input");
    for (const button of document.querySelectorAll("[data-open-settings]")) button.addEventListener("click", () => this.open());
    $("#protect-storage").addEventListener("click", () => this.#protect());
    $("#export-all").addEventListener("click", () => this.exportAll());
    $("#export-json").addEventListener("click", () => this.save("json", this.room.conversation));
    $("#export-markdown").addEventListener("click", () => this.save("markdown", this.room.conversation));
    $("#import").addEventListener("click", () => this.input.click());
    this.input.addEventListener("change", () => this.#import());
    $("#delete-all").addEventListener("click", () => this.#deleteAll());
    for (const name of ["enterSends", "singleKeys"]) {
      $(`#setting-${name}`).addEventListener("change", ({ target }) => this.#set(name, target.checked));
    }
    $("#setting-wipe").addEventListener("change", ({ target }) => this.#setWipes(target));
    store.on("failed", (text) => toast(text, "bad"));
  }

  async load() {
    Object.assign(this.settings, await this.store.meta("settings", {}));
    this.onsettings(this.settings);
    this.showUsage();
  }

  async open() {
    for (const name of ["enterSends", "singleKeys"]) $(`#setting-${name}`).checked = this.settings[name];
    $("#setting-wipe").checked = wipes(this.user);
    const saved = this.room.saved;
    $("#export-json").disabled = !saved;
    $("#export-markdown").disabled = !saved;
    await this.showUsage();
    this.dialog.showModal();
  }

  /** Shows how much is stored, in the settings and in the sidebar. */
  async showUsage() {
    const [usage, conversations, last] = await Promise.all([this.store.usage(), this.store.conversations(), this.store.meta("exported")]);
    const many = `${conversations.length} ${conversations.length === 1 ? "chat" : "chats"}`;
    const memory = this.store.kind === "memory";
    $("#usage").textContent = memory ? "Your browser blocks storage. Chats disappear when you close this page."
      : `${many}${usage ? `, ${bytes(usage.used)} of ${bytes(usage.quota)}` : ""}`;
    $("#rail-usage").textContent = memory ? "Temporary: not saved" : `On this device only${usage ? ` · ${bytes(usage.used)}` : ""}`;
    $("#protection").textContent = memory || !usage ? "" : usage.persisted
      ? "Protected: your browser won't clear it automatically."
      : "Your browser may clear this when storage is low or after long inactivity.";
    $("#protect-storage").hidden = memory || !usage || usage.persisted;
    $("#last-export").textContent = last ? `Last export: ${new Date(last).toLocaleDateString("en", { dateStyle: "medium" })}.` : "Never exported.";
    $("#backup-hint").hidden = memory || conversations.length < MANY_CHATS || Date.now() - (last ?? 0) < MONTH;
  }

  /** Requests persistent storage once, with the first chat. Browsers may grant it without a prompt. */
  async requestPersistence() {
    if (await this.store.meta("asked-to-keep")) return;
    await this.store.setMeta("asked-to-keep", true);
    await this.store.persist();
    this.showUsage();
  }

  async #protect() {
    const persisted = await this.store.persist();
    toast(persisted ? "Protected. Your browser won't clear your chats automatically." : "Your browser declined. Export your chats regularly.", persisted ? "ok" : "warn");
    this.showUsage();
  }

  #set(name, value) {
    this.settings[name] = value;
    this.store.setMeta("settings", this.settings);
    this.onsettings(this.settings);
  }

  async #setWipes(box) {
    const sure = !box.checked || (await ask({
      title: "Delete your chats when you sign out?",
      text: "Chats, drafts and attachments are then deleted from this browser and can't be recovered. To keep a copy, export them before you sign out. You are asked again then.",
      action: "Turn on", danger: true,
    }));
    if (!sure) box.checked = false;
    setWipes(this.user, box.checked);
  }

  async exportAll() {
    const conversations = (await this.store.conversations()).sort((a, b) => a.created - b.created);
    if (!conversations.length && !(await this.store.templates()).length) return toast("No chats to export yet.");
    download(`chats-${new Date().toISOString().slice(0, 10)}.json`, await toJson(this.store, conversations, { whole: true }));
    await this.store.setMeta("exported", Date.now());
    return this.showUsage();
  }

  /** Downloads one conversation as "json" or "markdown". */
  async save(kind, conversation) {
    if (kind === "json") download(fileName(conversation.title, "json"), await toJson(this.store, [conversation]));
    else {
      const [messages, files] = await Promise.all([this.store.messages(conversation.id), this.store.files(conversation.id)]);
      download(fileName(conversation.title, "md"), toMarkdown(conversation, messages, files, (id) => this.models.get(id).name));
    }
  }

  async #import() {
    const [file] = this.input.files;
    this.input.value = "";
    if (!file) return;
    let found;
    try {
      found = await planImport(this.store, file, { models: [...this.models.all.keys()], fallback: this.room.conversation.models });
    } catch (error) {
      toast(`Import failed. ${error.message}`, "bad");
      return;
    }
    const { added, merged, unchanged, records } = found;
    const templates = records.templates.length;
    if (!added && !merged && !templates) {
      toast(!unchanged ? "This file contains no chats." : unchanged === 1 ? "You already have this chat." : `You already have all ${unchanged} chats.`);
      return;
    }
    const parts = [
      added && `${added} new ${added === 1 ? "chat" : "chats"}`,
      merged && `new messages for ${merged} ${merged === 1 ? "chat" : "chats"}`,
      templates && `${templates} prompt ${templates === 1 ? "template" : "templates"}`,
      unchanged && `${unchanged} skipped (already here)`,
    ].filter(Boolean);
    const messages = records.messages.length;
    const text = `Import from ${file.name}: ${parts.join(", ")}, ${messages} ${messages === 1 ? "message" : "messages"} in total.`;
    if (!(await ask({ title: "Import chats?", text, action: "Import" }))) return;
    if (!(await this.store.write(records))) return;
    for (const name of ["list", "templates"]) this.tabs.broadcast(name);
    for (const { id } of records.conversations) this.tabs.broadcast("conversation", id);
    this.room.emit("list");
    this.ontemplates();
    if (this.room.saved && records.conversations.some(({ id }) => id === this.room.conversation.id)) await this.room.open(this.room.conversation.id);
    toast(`Imported ${parts[0]}.`, "ok");
    this.showUsage();
  }

  async #deleteAll() {
    const many = (await this.store.conversations()).length;
    const sure = await ask({
      title: "Delete all chats?", text: `This permanently deletes ${many} ${many === 1 ? "chat" : "chats"} from this device. Export ${many === 1 ? "it" : "them"} first to keep a copy.`,
      action: "Delete all", danger: true,
    });
    if (!sure) return;
    this.answers.stopAll();
    await this.store.removeAll();
    this.tabs.broadcast("removed", null);
    this.dialog.close();
    if (!this.room.temporary) this.startNew();
    toast("All chats deleted.");
    this.showUsage();
  }
}
