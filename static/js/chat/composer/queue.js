/* Messages written while an answer runs: they wait above the message box, and each is sent when all answers have
   ended. They are part of the draft until then, so they survive a reload, but only this tab sends them. */

import { isRunning } from "chat/answers/answers";
import { $, announce, h, icon, iconButton } from "chat/dom";

export class Queue {
  #waiting = []; // {text, files}
  #conversation = null; // the ID of theirs
  #sending = false;

  /** `send({text, files})` sends a message; `takeBack(messages)` puts messages into the message box. */
  constructor({ room, send, takeBack }) {
    Object.assign(this, { room, send, takeBack });
    this.list = $("#waiting");
    room.on("message", ({ name }) => name === "ended" && this.#next());
    for (const name of ["turns", "settings"]) room.on(name, () => this.#next());
  }

  get messages() {
    return [...this.#waiting];
  }

  add(message) {
    this.#conversation = this.room.conversation.id;
    this.#waiting.push(message);
    this.#show();
    announce("Waiting until the answer has ended.");
  }

  clear() {
    this.#waiting = [];
    this.#show();
  }

  /** Takes the newest waiting message back for editing; false without any. */
  editLast() {
    const message = this.#waiting.at(-1);
    if (message) this.#edit(message);
    return Boolean(message);
  }

  #edit(message) {
    this.#waiting = this.#waiting.filter((other) => other !== message);
    this.#show();
    this.takeBack([message]);
  }

  /** Sends the first message once no answer runs. After a failure or a stop, all go back into the message box. */
  async #next() {
    if (this.room.conversation.id !== this.#conversation) return; // another one is being opened
    const answers = this.room.turns.at(-1)?.columns.map(({ shown }) => shown) ?? [];
    if (!this.#waiting.length || this.#sending || this.room.busy || answers.some(isRunning)) return;
    if (!answers.some(({ status }) => status === "done")) {
      const messages = this.#waiting;
      this.clear();
      this.takeBack(messages);
      return;
    }
    const message = this.#waiting.shift();
    this.#show();
    this.#sending = true;
    try {
      await this.send(message);
    } finally {
      this.#sending = false;
    }
    this.#next(); // a message may be refused at once
  }

  #show() {
    this.list.hidden = !this.#waiting.length;
    this.list.replaceChildren(...this.#waiting.map((message) => {
      const { text, files } = message;
      const attached = files.map(({ name }) => name).join(", ");
      return h("li", {}, icon("clock", "small"), h("span.truncate", { dir: "auto" }, text || attached), text && attached && h("span.chip.truncate", {}, attached),
        iconButton("edit", "Edit waiting message", () => this.#edit(message)));
    }));
  }
}
