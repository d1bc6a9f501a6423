/* The notice that the device's storage is full: what is not saved now, or what the page before this one has lost. */

import { $ } from "chat/dom";
import { Unsaved } from "chat/device/unsaved";

export class FullNotice {
  constructor({ store, user }) {
    this.store = store;
    this.element = $("#storage-full");
    store.on("full", () => this.#showUnsaved());
    store.on("saved", () => { this.element.hidden = true; });
    $("#save-again").addEventListener("click", () => this.#tryAgain());
    $("#dismiss-full").addEventListener("click", () => {
      if (store.unsaved.isEmpty) Unsaved.forget(user);
      this.element.hidden = true;
      $("#message").focus();
    });
    window.addEventListener("beforeunload", (event) => !store.unsaved.isEmpty && event.preventDefault());
    const left = Unsaved.left(user);
    if (left) this.#show("This device's storage was full.", `${amount(left)} couldn't be saved and ${left.messages === 1 ? "is" : "are"} lost. Free up space on this device, or export chats and delete some.`, false);
  }

  #showUnsaved() {
    const { unsaved } = this.store;
    const what = unsaved.isEmpty ? "Your last change isn't saved." : `${amount(unsaved.summary)} will be lost when you close this page.`;
    this.#show("This device's storage is full.", `${what} Free up space on this device or delete chats, then try again. An export includes what isn't saved.`, !unsaved.isEmpty);
  }

  #show(title, text, canSave) {
    $("strong", this.element).textContent = title;
    $("span", this.element).textContent = text;
    $("#save-again").hidden = !canSave;
    this.element.hidden = false;
  }

  async #tryAgain() {
    if (!(await this.store.saveUnsaved())) this.#showUnsaved();
  }
}

/** What a summary of unsaved records says: "3 messages in “Bread”". */
function amount({ messages, titles }) {
  const many = messages ? `${messages} ${messages === 1 ? "message" : "messages"}` : "Changes";
  const named = titles.slice(0, 2).map((title) => `“${title || "New chat"}”`).join(" and ");
  const more = titles.length > 2 ? ` and ${titles.length - 2} more` : "";
  return named ? `${many} in ${named}${more}` : many;
}
