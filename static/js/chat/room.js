/* The open conversation and its operations.

   Events: "opened" (another conversation), "turns" (other messages are shown), "message" (one changed),
   "settings" (title, models or parameters), "list" (the sidebar is out of date). */

import { isRunning } from "chat/answers";
import { Emitter } from "chat/emitter";
import { newId, now } from "chat/ids";
import { pico } from "chat/money";
import { requestFor } from "chat/request";
import { titleFrom } from "chat/title";
import { answerFor, deepest, turnsTo } from "chat/tree";

export class Room extends Emitter {
  conversation = null;
  messages = new Map();
  saved = false;
  #store;
  #answers;
  #models;
  #tabs;
  #files = new Map();

  constructor({ store, answers, models, tabs, maxModels }) {
    super();
    this.#store = store;
    this.#answers = answers;
    this.#models = models;
    this.#tabs = tabs;
    this.maxModels = maxModels;
    for (const name of ["began", "changed", "ended"]) answers.on(name, (message) => this.#changed(name, message));
    tabs.on("conversation", (id) => this.#otherTab(id));
    tabs.on("list", () => this.emit("list"));
  }

  // --- Opening ------------------------------------------------------------------------------------

  /** Starts an empty conversation with these models. It is stored with its first question. */
  startNew(models) {
    this.conversation = {
      id: newId(), title: "", titled: "auto", created: now(), updated: now(), pinned: false, models: models.slice(0, this.maxModels),
      system: "", params: {}, web: false, leaf: null,
    };
    this.messages = new Map();
    this.saved = false;
    this.emit("opened");
  }

  /** Opens a stored conversation; false if there is none with this id. */
  async open(id) {
    const [conversation, messages] = await Promise.all([this.#store.conversation(id), this.#store.messages(id)]);
    if (!conversation) return false;
    this.conversation = conversation;
    await this.#setMessages(messages);
    this.saved = true;
    this.emit("opened");
    return true;
  }

  async #setMessages(messages) {
    const claimed = await this.#tabs.claimed();
    this.messages = new Map(messages.map((message) => [message.id, this.#answers.get(message.id) ?? message]));
    const cut = [...this.messages.values()].filter(
      (message) => message.role === "assistant" && isRunning(message) && !this.#answers.get(message.id) && !claimed?.has(message.id),
    );
    for (const message of cut) {
      message.status = "interrupted";
      message.error = { status: 0, text: "The page closed before this answer finished." };
    }
    await this.#store.write({ messages: cut });
    const unbilled = [...this.messages.values()].filter(
      (message) => message.meta?.generation_id && !message.meta.usage && !isRunning(message),
    );
    this.#answers.requestBills(unbilled);
  }

  /** Reloads the conversation after another tab changed it, unless this tab has running answers in it. */
  async #otherTab(id) {
    this.emit("list");
    if (id !== this.conversation?.id || !this.saved) return;
    if ([...this.messages.keys()].some((message) => this.#answers.get(message))) return;
    const conversation = await this.#store.conversation(id);
    if (!conversation || id !== this.conversation.id) return;
    const leaf = this.messages.size ? this.conversation.leaf : conversation.leaf;
    this.conversation = conversation;
    await this.#setMessages(await this.#store.messages(id));
    // Stay at the end of the branch that is shown here.
    if (this.messages.has(leaf)) this.conversation.leaf = deepest(this.messages, leaf);
    this.emit("turns");
    this.emit("settings");
  }

  // --- State --------------------------------------------------------------------------------------

  get turns() {
    return turnsTo(this.messages, this.conversation.leaf);
  }

  get busy() {
    return this.running.length > 0;
  }

  /** Running answers of this conversation in this tab. */
  get running() {
    return [...this.messages.values()].filter((message) => this.#answers.get(message.id));
  }

  /** Loads a file of the conversation and caches it. */
  async file(id) {
    if (!this.#files.has(id)) this.#files.set(id, await this.#store.file(id));
    return this.#files.get(id);
  }

  // --- Asking -------------------------------------------------------------------------------------

  /** Sends a question to all chosen models; `parent` is the message that it follows. */
  async send(text, files = [], parent = this.conversation.leaf) {
    const { conversation } = this;
    const question = {
      id: newId(), conversation: conversation.id, parent, role: "user", created: now(), text, files: files.map((file) => file.id),
    };
    for (const file of files) {
      file.conversation = conversation.id;
      this.#files.set(file.id, file);
    }
    const answers = conversation.models.map((model, slot) => this.#newAnswer(question, model, slot));
    this.messages.set(question.id, question);
    for (const answer of answers) this.messages.set(answer.id, answer);
    conversation.leaf = answers[0].id;
    if (conversation.titled === "auto" && !conversation.title) conversation.title = titleFrom(text, files);
    this.saved = true;
    await this.#save({ messages: [question, ...answers], files });
    this.emit("turns");
    await this.#ask(question, answers);
  }

  /** Sends an edited question as a sibling of the original, which stays. */
  async edit(question, text) {
    const files = await Promise.all((question.files ?? []).map((id) => this.file(id)));
    await this.send(text, files.filter(Boolean), question.parent);
  }

  /** Requests another version of an answer, from the same or another model. */
  async regenerate(answer, model = answer.model) {
    const question = this.messages.get(answer.parent);
    const version = this.#newAnswer(question, model, answer.slot);
    this.messages.set(version.id, version);
    this.#show(question, version);
    await this.#save({ messages: [question, version] });
    this.emit("turns");
    await this.#ask(question, [version]);
  }

  /** Repeats a failed answer in its place. */
  async retry(answer) {
    Object.assign(answer, { text: "", error: null, meta: {}, status: "waiting" });
    for (const name of ["reasoning", "thought_ms", "images", "sources"]) delete answer[name];
    await this.#save({ messages: [answer] });
    this.emit("turns");
    await this.#ask(this.messages.get(answer.parent), [answer]);
  }

  stop() {
    for (const message of this.running) this.#answers.stop(message.id);
  }

  #newAnswer(question, model, slot) {
    return {
      id: newId(), conversation: question.conversation, parent: question.id, role: "assistant", created: now(), slot, model, text: "",
      status: "waiting", error: null, meta: {},
    };
  }

  async #ask(question, answers) {
    const { conversation } = this;
    const turns = turnsTo(this.messages, question.id);
    for (const answer of answers) {
      const body = await requestFor({
        conversation, turns, question, model: answer.model, slot: answer.slot,
        accepts: (kind) => this.#models.accepts(answer.model, kind), load: (id) => this.file(id),
      });
      this.#models.markUsed(answer.model);
      this.#answers.start(answer, body);
    }
  }

  // --- Branches -----------------------------------------------------------------------------------

  /** Shows another version of a question or answer. */
  async select(message) {
    if (message.role === "user") this.conversation.leaf = deepest(this.messages, message.id);
    else {
      const question = this.messages.get(message.parent);
      this.#show(question, message);
      await this.#store.write({ messages: [question] });
    }
    await this.#save({});
    this.emit("turns");
  }

  #show(question, version) {
    question.shown = { ...question.shown, [version.slot]: version.id };
    // Only the slot that the conversation continues from determines the following turns.
    const main = [...this.#path()].find((message) => message.parent === question.id);
    if (!main || main.slot === version.slot) this.conversation.leaf = deepest(this.messages, version.id);
  }

  *#path() {
    for (let message = this.messages.get(this.conversation.leaf); message; message = this.messages.get(message.parent)) yield message;
  }

  /** Continues with one of several answers and only its model. */
  async keepOnly(answer) {
    this.conversation.models = [answer.model];
    this.conversation.leaf = deepest(this.messages, answer.id);
    await this.#save({});
    this.emit("turns");
    this.emit("settings");
  }

  /** Copies everything up to `answer` into a new conversation and opens it. */
  async fork(answer) {
    const id = newId();
    const ids = new Map();
    const messages = [];
    const kept = turnsTo(this.messages, answer.id);
    for (const { question, columns } of kept) {
      for (const message of [question, ...columns.map(({ shown }) => shown)]) {
        ids.set(message.id, newId());
        messages.push({ ...structuredClone(message), id: ids.get(message.id), conversation: id, parent: ids.get(message.parent) ?? null });
      }
    }
    for (const message of messages) delete message.shown;
    const files = [];
    for (const message of messages) {
      for (const [at, file] of (message.files ?? []).entries()) {
        const copy = { ...(await this.file(file)), id: newId(), conversation: id };
        message.files[at] = copy.id;
        files.push(copy);
      }
    }
    const conversation = {
      ...structuredClone(this.conversation), id, leaf: ids.get(answer.id), created: now(), updated: now(), pinned: false,
      title: `${this.conversation.title} (copy)`,
    };
    await this.#store.write({ conversations: [conversation], messages, files });
    await this.open(id);
    this.emit("list");
  }

  // --- Settings -----------------------------------------------------------------------------------

  /** Updates the conversation's models, system, params, title, pinned or web. */
  async change(changes) {
    Object.assign(this.conversation, changes);
    if (this.saved) await this.#save({}, false);
    this.emit("settings");
  }

  /** Cost of the conversation in pico-dollars (BigInt), including all branches. */
  get cost() {
    return [...this.messages.values()].reduce((sum, { meta }) => sum + pico(meta?.cost), 0n);
  }

  /** The newest answer shown, for copying. */
  get lastAnswer() {
    const turn = this.turns.at(-1);
    return turn && answerFor(turn, this.conversation.models[0], 0);
  }

  #changed(name, message) {
    if (!this.messages.has(message.id)) {
      if (name === "ended") this.emit("list");
      return;
    }
    this.emit("message", { message, name });
  }

  async #save(records, touched = true) {
    if (touched) this.conversation.updated = now();
    await this.#store.write({ conversations: [this.conversation], ...records });
    this.#tabs.broadcast("conversation", this.conversation.id);
    this.emit("list");
  }
}
