/* Temporary chats: nothing of them is written to the device or kept on the server. They end with the page, and when
   another chat opens, unless they are kept as ordinary chats. */

import { $, announce, toast } from "chat/dom";

export class Temporary {
  #leaving = (event) => event.preventDefault();

  constructor({ room, store, answers, composer, startNew }) {
    Object.assign(this, { room, store, answers, composer, startNew });
    this.notice = $("#temporary");
    this.keepButton = $("#keep-chat");
    this.keepButton.addEventListener("click", () => this.keep());
    for (const name of ["opened", "settings", "turns", "message"]) room.on(name, () => this.#show());
    composer.on("changed", () => this.#warn());
  }

  /** Makes an empty chat temporary or ordinary. From any other chat, starts a temporary one. */
  async toggle() {
    if (this.room.messages.size) return this.startNew({ temporary: true });
    const temporary = !this.room.temporary;
    this.room.setTemporary(temporary);
    if (temporary) await this.store.setMeta("draft:new", null); // what is in the box was written there
    else this.composer.saveDraft();
    announce(temporary ? "This chat is temporary." : "This chat will be saved.");
    return this.composer.focus();
  }

  /** Makes the open chat an ordinary one. */
  async keep() {
    await this.room.keep();
    this.composer.saveDraft();
    toast("Chat saved on this device.", "ok");
    this.composer.focus();
  }

  /** Ends the open chat, if it is temporary, because another one opens. Offers to undo it. */
  leave() {
    const { room, composer } = this;
    const { draft } = composer;
    if (!room.temporary || (!room.messages.size && !draft)) return;
    this.answers.stopAll(room.conversation.id);
    const { conversation, messages } = room;
    toast("Temporary chat deleted.", "", async () => {
      composer.saveDraft();
      this.leave();
      history.pushState(null, "", location.pathname);
      room.show(conversation, messages);
      if (draft) composer.put(draft);
    });
  }

  #show() {
    const { temporary } = this.room;
    $("#room").classList.toggle("temporary", temporary);
    this.notice.hidden = !temporary;
    this.keepButton.hidden = !this.room.messages.size;
    this.#warn();
  }

  /** Lets the browser ask before it closes the page, while there is something that was not sent or not answered. */
  #warn() {
    const unfinished = this.room.temporary && (this.room.busy || this.composer.draft);
    (unfinished ? addEventListener : removeEventListener)("beforeunload", this.#leaving);
  }
}
