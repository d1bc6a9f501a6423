/* Message box: text, attachments, send and stop. Each conversation has a draft that survives a reload. */

import { $, h, icon, toast } from "chat/dom";
import { attachedItem, pendingItem } from "chat/composer/attached-item";
import { fileNotices } from "chat/composer/file-notices";
import { pastedFiles, prepare } from "chat/files/files";
import { LIMITS, MAX_FILES } from "chat/files/limits";
import { newId } from "chat/device/ids";
import { Emitter } from "chat/emitter";
import { Queue } from "chat/composer/queue";
import { Recorder } from "chat/composer/recorder";

const DRAFT_PAUSE = 400;

const listed = (names) => new Intl.ListFormat("en", { type: "conjunction" }).format(names);

/** Several messages as one. */
const joined = (messages) => ({
  text: messages.map(({ text }) => text).filter(Boolean).join("\n\n"),
  files: messages.flatMap(({ files }) => files),
});

export class Composer extends Emitter {
  files = [];
  #pending = []; // files that are being read
  #warnings = []; // of the estimate
  #timer = 0;
  #enterSends = true;
  #touch = matchMedia("(pointer: coarse)").matches;

  /** Emits "changed" when another text, other files or another chat may be shown. */
  constructor({ room, store, models, setup, thread, socket, editProviders }) {
    super();
    Object.assign(this, { room, store, models, setup, thread, socket, editProviders });
    this.form = $("#composer");
    this.area = $("#message");
    this.button = $("#send");
    this.list = $("#attachments");
    this.notice = $("#composer-notice");
    this.picker = $("#attach-input");

    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.area.addEventListener("keydown", (event) => this.#key(event));
    this.area.addEventListener("input", () => this.#typed());
    this.area.addEventListener("paste", (event) => this.#paste(event));
    $("#attach").title += ` ${LIMITS}`;
    $("#drop-limits").textContent = LIMITS;
    $("#attach").addEventListener("click", () => this.picker.click());
    this.recorder = new Recorder({ attach: (file) => this.add([file]), onchange: (active) => this.#recorded(active) });
    this.picker.addEventListener("change", () => {
      this.add([...this.picker.files]);
      this.picker.value = "";
    });
    this.web = $("#web-search"); // absent on sites without web search
    this.web?.addEventListener("click", () => room.change({ web: !room.conversation.web }));
    this.later = $("#send-later");
    this.later.addEventListener("click", () => this.#send());
    this.queue = new Queue({ room, send: (message) => this.#leave(message), takeBack: (messages) => this.#takeBack(messages) });
    this.#acceptDrops($("#room"));
    room.on("opened", () => this.#restore());
    room.on("turns", () => this.show());
    room.on("message", ({ name }) => name !== "changed" && this.show());
    room.on("settings", () => this.show());
    for (const name of ["changed", "availability"]) models.on(name, () => room.conversation && this.show());
    window.addEventListener("pagehide", () => this.saveDraft());
  }

  /** Whether Enter sends. If not, and always on touch screens, it starts a new line. */
  set enterSends(value) {
    this.#enterSends = value && !this.#touch;
    this.area.enterKeyHint = this.#enterSends ? "send" : "enter";
    $("#composer-hint").replaceChildren(...(this.#enterSends
      ? [h("kbd", {}, "Enter"), " to send · ", h("kbd", {}, "Shift"), " ", h("kbd", {}, "Enter"), " for a new line · ", h("kbd", {}, "Esc"), " to stop"]
      : [h("kbd", {}, "Ctrl"), " ", h("kbd", {}, "Enter"), " to send · ", h("kbd", {}, "Esc"), " to stop"]));
  }

  focus() {
    if (!this.#touch) this.area.focus();
  }

  /** Fills the message box with `text`, without sending it. */
  write(text) {
    this.area.value = text;
    this.#typed();
    this.area.focus();
    this.area.setSelectionRange(text.length, text.length);
  }

  /** Updates button, placeholder and notices. */
  show() {
    const { conversation, busy } = this.room;
    this.button.dataset.act = busy ? "stop" : "send";
    this.button.replaceChildren(icon(busy ? "stop" : "send"), h("span.hide-sm", {}, busy ? "Stop" : "Send"));
    this.button.setAttribute("aria-label", busy ? "Stop answering" : "Send");
    const empty = !this.area.value.trim() && !this.files.length;
    const unready = empty || !this.#ready;
    this.button.disabled = !busy && unready;
    this.later.hidden = !busy || unready;
    this.area.classList.toggle("still", busy && empty);
    this.recorder.offer(conversation.models.some((id) => this.models.accepts(id, "audio")));
    this.web?.setAttribute("aria-pressed", String(conversation.web === true));
    const names = conversation.models.map((id) => this.models.get(id).short);
    this.area.placeholder = names.length === 1 ? `Message ${names[0]}` : `Message ${names.length} models`;
    this.#showNotice();
    this.emit("changed");
  }

  /** The text in the box, as it would be sent. */
  get text() {
    return this.area.value.trim();
  }

  /** Shows these sentences as notices. */
  warn(sentences) {
    if (sentences.join() === this.#warnings.join()) return;
    this.#warnings = sentences;
    this.#showNotice();
  }

  /** Prepares files and attaches them. */
  async add(files) {
    const room = Math.max(0, MAX_FILES - this.files.length - this.#pending.length);
    if (files.length > room) toast(`You can attach up to ${MAX_FILES} files per message.`, "warn");
    const pending = files.slice(0, room).map((file) => ({ file, canceled: false }));
    this.#pending.push(...pending);
    this.#showFiles();
    for (const each of pending) {
      try {
        const record = !each.canceled && (await prepare(each.file));
        if (record && !each.canceled) this.files.push(record);
      } catch (error) {
        if (!each.canceled) toast(error.message, "warn");
      }
      this.#pending = this.#pending.filter((other) => other !== each);
      this.#showFiles();
    }
    this.#typed();
  }

  #recorded(active) {
    this.show();
    if (active) return;
    if (this.#touch) this.recorder.button.focus(); // no keyboard over the message
    else this.area.focus();
  }

  #cancel(pending) {
    pending.canceled = true;
    this.#pending = this.#pending.filter((other) => other !== pending);
  }

  /** Whether nothing is being read or recorded that belongs to the message. */
  get #ready() {
    return !this.#pending.length && !this.recorder.active;
  }

  #submit() {
    if (this.room.busy) return this.room.stop();
    return this.#send();
  }

  async #send() {
    const { text, files } = this;
    if ((!text && !files.length) || !this.#ready) return;
    if (this.socket.ended) {
      toast("You're signed out. Sign in to send this message.", "warn");
      return;
    }
    // Images and PDFs are sent in base64. The chat before this message is counted when it is sent.
    const size = new Blob([text]).size + files.reduce((sum, file) => sum + file.size * (file.kind === "text" ? 1 : 4 / 3), 0);
    if (size > this.setup.request_bytes) {
      toast(`This message is over ${this.setup.request_size}. ${files.length ? "Remove an attachment" : "Shorten it"}.`, "warn");
      return;
    }
    this.area.value = "";
    this.files = [];
    this.#showFiles();
    if (this.room.busy) {
      this.queue.add({ text, files });
      this.#typed();
    } else await this.#leave({ text, files });
    this.area.focus({ preventScroll: true });
  }

  /** Sends a message. What is still in the box or waiting stays the draft. */
  async #leave({ text, files }) {
    if (!this.room.temporary) this.store.setMeta("draft:new", null);
    this.saveDraft();
    this.thread.toEnd();
    await this.room.send(text, files);
  }

  /** Puts waiting messages before the text in the box. */
  #takeBack(messages) {
    this.put(joined([...messages, { text: this.area.value, files: this.files }]));
    this.focus();
  }

  /** Replaces what is in the box. */
  put({ text, files }) {
    this.area.value = text;
    this.files = files;
    this.#showFiles();
    this.#typed();
  }

  #key(event) {
    // Enter confirms the word that an input method is composing.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && (this.#enterSends || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "ArrowUp" && !this.area.value) {
      event.preventDefault();
      if (!this.queue.editLast() && !this.room.busy) this.thread.editLast();
    }
  }

  #typed() {
    this.show();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.saveDraft(), DRAFT_PAUSE);
  }

  get #draftKey() {
    return this.room.saved ? `draft:${this.room.conversation.id}` : "draft:new";
  }

  /** What is in the box or waits to be sent, {text, files}; null if that is nothing. */
  get draft() {
    const draft = joined([...this.queue.messages, { text: this.area.value, files: this.files }]);
    return draft.text || draft.files.length ? draft : null;
  }

  /** Saves the draft now, except in a temporary chat. Call before another conversation opens. */
  saveDraft() {
    clearTimeout(this.#timer);
    if (this.room.conversation && !this.room.temporary) this.store.setMeta(this.#draftKey, this.draft);
  }

  async #restore() {
    const { id } = this.room.conversation;
    this.area.value = "";
    this.files = [];
    this.queue.clear();
    this.recorder.discard();
    for (const each of this.#pending) this.#cancel(each);
    this.#showFiles();
    this.show();
    if (this.room.temporary) return;
    const draft = await this.store.meta(this.#draftKey);
    // The user may have typed or opened another conversation while the draft loaded.
    if (!draft || this.room.conversation.id !== id || this.area.value || this.files.length) return;
    this.area.value = draft.text;
    this.files = draft.files;
    this.#showFiles();
    this.show();
  }

  #showFiles() {
    const pending = this.#pending;
    this.list.hidden = !this.files.length && !pending.length;
    const changed = () => {
      this.#showFiles();
      this.#typed();
    };
    this.list.replaceChildren(
      ...this.files.map((file) => attachedItem(file, {
        remove: () => {
          this.files = this.files.filter((other) => other !== file);
          changed();
          this.area.focus();
        },
        changed,
      })),
      ...pending.map((each) => pendingItem(each.file, () => {
        this.#cancel(each);
        changed();
        this.area.focus();
      })),
    );
    this.show();
  }

  #showNotice() {
    const { models: chosen } = this.room.conversation;
    const lines = [...this.#warnings.map((text) => ({ text })), ...fileNotices(this.files, chosen, this.models)];
    const missing = chosen.filter((id) => this.models.all.size && this.models.get(id).missing);
    if (missing.length) lines.push({ text: `${listed(missing)} ${missing.length === 1 ? "isn't" : "aren't"} in the catalog. Choose another model.` });
    const blocked = chosen.filter((id) => this.models.unavailable.has(id)).map((id) => this.models.get(id).short);
    if (blocked.length) lines.push({ text: `Your privacy settings block ${listed(blocked)}.` });
    const excluded = chosen.filter((id) => this.models.excluded.has(id) && !this.models.unavailable.has(id)).map((id) => this.models.get(id).short);
    if (excluded.length) {
      lines.push({
        text: [`No provider of ${listed(excluded)} meets this chat's provider preferences. `,
          h("button.link", { type: "button", onclick: () => this.editProviders() }, "Edit preferences")],
      });
    }
    this.notice.replaceChildren(...lines.map(({ text, info }) => h(info ? "p.muted" : "p", {}, icon(info ? "info" : "warning", "small"), h("span", {}, text))));
    this.notice.hidden = !lines.length;
  }

  #paste(event) {
    const files = event.clipboardData ? pastedFiles(event.clipboardData) : [];
    if (!files.length) return;
    event.preventDefault();
    this.add(files.map((file) => (file.name && file.name !== "image.png" ? file
      : new File([file], `pasted-${newId().slice(0, 4)}.${file.type.split("/")[1] ?? "bin"}`, { type: file.type }))));
  }

  #acceptDrops(room) {
    let depth = 0;
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    const over = (on) => room.classList.toggle("dropping", on);
    room.addEventListener("dragenter", (event) => { if (carriesFiles(event)) { depth += 1; over(true); } });
    room.addEventListener("dragleave", (event) => { if (carriesFiles(event) && (depth -= 1) <= 0) { depth = 0; over(false); } });
    room.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
    room.addEventListener("drop", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      depth = 0;
      over(false);
      this.add([...event.dataTransfer.files]);
      this.area.focus();
    });
  }
}
