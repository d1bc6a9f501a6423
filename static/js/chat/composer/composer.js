/* Message box: text, attachments, send and stop. Each conversation has a draft that survives a reload. */

import { $, h, icon, toast } from "chat/dom";
import { MAX_FILES, pastedFiles, prepare } from "chat/files/files";
import { newId } from "chat/device/ids";
import { Queue } from "chat/composer/queue";
import { fileView } from "chat/thread/turn";

const DRAFT_PAUSE = 400;

const listed = (names) => new Intl.ListFormat("en", { type: "conjunction" }).format(names);

/** Several messages as one. */
const joined = (messages) => ({
  text: messages.map(({ text }) => text).filter(Boolean).join("\n\n"),
  files: messages.flatMap(({ files }) => files),
});

export class Composer {
  files = [];
  #timer = 0;
  #enterSends = true;
  #touch = matchMedia("(pointer: coarse)").matches;

  constructor({ room, store, models, setup, thread, socket, editProviders }) {
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
    $("#attach").addEventListener("click", () => this.picker.click());
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
    this.button.disabled = !busy && empty;
    this.later.hidden = !busy || empty;
    this.web?.setAttribute("aria-pressed", String(conversation.web === true));
    const names = conversation.models.map((id) => this.models.get(id).short);
    this.area.placeholder = names.length === 1 ? `Message ${names[0]}` : `Message ${names.length} models`;
    this.#showNotice();
  }

  /** Prepares files and attaches them. */
  async add(files) {
    for (const file of files) {
      if (this.files.length >= MAX_FILES) {
        toast(`You can attach up to ${MAX_FILES} files per message.`, "warn");
        break;
      }
      try {
        this.files.push(await prepare(file));
      } catch (error) {
        toast(error.message, "warn");
      }
    }
    this.#showFiles();
    this.#typed();
  }

  #submit() {
    if (this.room.busy) return this.room.stop();
    return this.#send();
  }

  async #send() {
    const text = this.area.value.trim();
    const files = this.files;
    if (!text && !files.length) return;
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
    this.store.setMeta("draft:new", null);
    this.saveDraft();
    this.thread.toEnd();
    await this.room.send(text, files);
  }

  /** Puts waiting messages before the text in the box. */
  #takeBack(messages) {
    const { text, files } = joined([...messages, { text: this.area.value, files: this.files }]);
    this.area.value = text;
    this.files = files;
    this.#showFiles();
    this.#typed();
    this.focus();
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

  /** Saves the draft now. Call before another conversation opens. */
  saveDraft() {
    clearTimeout(this.#timer);
    if (!this.room.conversation) return;
    const draft = joined([...this.queue.messages, { text: this.area.value, files: this.files }]);
    this.store.setMeta(this.#draftKey, draft.text || draft.files.length ? draft : null);
  }

  async #restore() {
    const { id } = this.room.conversation;
    this.area.value = "";
    this.files = [];
    this.queue.clear();
    this.#showFiles();
    this.show();
    const draft = await this.store.meta(this.#draftKey);
    // The user may have typed or opened another conversation while the draft loaded.
    if (!draft || this.room.conversation.id !== id || this.area.value || this.files.length) return;
    this.area.value = draft.text;
    this.files = draft.files;
    this.#showFiles();
    this.show();
  }

  #showFiles() {
    this.list.hidden = !this.files.length;
    this.list.replaceChildren(...this.files.map((file) => h("li", {}, fileView(file), h("button.remove", {
      type: "button", aria: { label: `Remove ${file.name}` },
      onclick: () => {
        this.files = this.files.filter((other) => other !== file);
        this.#showFiles();
        this.#typed();
        this.area.focus();
      },
    }, icon("close", "small")))));
    this.#showNotice();
  }

  #showNotice() {
    const lines = [];
    const { models: chosen } = this.room.conversation;
    const unsupported = (kind, input) => this.files.some((file) => file.kind === kind)
      ? chosen.filter((id) => !this.models.accepts(id, input)).map((id) => this.models.get(id).short) : [];
    const [noImages, noPdfs] = [unsupported("image", "image"), unsupported("pdf", "file")];
    for (const [names, kind] of [[noImages, "images"], [noPdfs, "PDFs"]]) {
      if (names.length === 1) lines.push(`${names[0]} doesn't support ${kind}. They won't be sent to it.`);
      else if (names.length) lines.push(`${listed(names)} don't support ${kind}. They won't be sent to them.`);
    }
    const missing = chosen.filter((id) => this.models.all.size && this.models.get(id).missing);
    if (missing.length) lines.push(`${listed(missing)} ${missing.length === 1 ? "isn't" : "aren't"} in the catalog. Choose another model.`);
    const blocked = chosen.filter((id) => this.models.unavailable.has(id)).map((id) => this.models.get(id).short);
    if (blocked.length) lines.push(`Your privacy settings block ${listed(blocked)}.`);
    const excluded = chosen.filter((id) => this.models.excluded.has(id) && !this.models.unavailable.has(id)).map((id) => this.models.get(id).short);
    if (excluded.length) {
      lines.push([`No provider of ${listed(excluded)} meets this chat's provider preferences. `,
        h("button.link", { type: "button", onclick: () => this.editProviders() }, "Edit preferences")]);
    }
    this.notice.replaceChildren(...lines.map((line) => h("p", {}, icon("warning", "small"), h("span", {}, line))));
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
