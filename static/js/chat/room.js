/* The open conversation and its operations.

   Events: "opened" (another conversation), "turns" (other messages are shown), "message" (one changed),
   "settings" (title, models or parameters), "list" (the sidebar is out of date). */

import { fileIds } from "chat/device/attached";
import { branchOf } from "chat/device/branching";
import { Emitter } from "chat/emitter";
import { Following } from "chat/device/following";
import { newId, now } from "chat/device/ids";
import { costOf } from "chat/money";
import { Removal } from "chat/thread/removal";
import { requestFor } from "chat/answers/request";
import { titleFrom } from "chat/title";
import { answerFor, deepest, turnsTo } from "chat/device/tree";

export class Room extends Emitter {
  conversation = null;
  messages = new Map();
  saved = false;
  changes = 0; // of this tab: messages that were added or removed, answers that have ended
  saving = Promise.resolve();
  #store;
  #answers;
  #models;
  #tabs;
  #following;
  #removal;
  #files = new Map();

  constructor({ store, answers, models, tabs, maxModels }) {
    super();
    this.#store = store;
    this.#answers = answers;
    this.#models = models;
    this.#tabs = tabs;
    this.maxModels = maxModels;
    for (const name of ["began", "changed", "ended"]) answers.on(name, (message) => this.#changed(name, message));
    answers.on("file", (file) => this.#files.set(file.id, file));
    this.#following = new Following(this, { store, answers, tabs });
    this.#removal = new Removal(this, { store, answers, tabs });
  }

  // --- Opening ------------------------------------------------------------------------------------

  /** Starts an empty conversation with these models. It is stored with its first question, unless it is temporary. */
  startNew(models, { temporary = false, folder = null } = {}) {
    const conversation = {
      id: newId(), title: "", titled: "auto", created: now(), updated: now(), pinned: false, models: models.slice(0, this.maxModels),
      system: "", params: {}, web: false, leaf: null, folder,
    };
    if (temporary) this.#store.temporary.add(conversation.id);
    this.show(conversation, new Map());
  }

  /** Opens a conversation that is not stored. */
  show(conversation, messages) {
    Object.assign(this, { conversation, messages, saved: false });
    this.emit("opened");
  }

  /** Opens a stored conversation; false if there is none with this id. */
  async open(id) {
    const [conversation, messages] = await Promise.all([this.#store.conversation(id), this.#store.messages(id)]);
    if (!conversation) return false;
    this.conversation = conversation;
    this.messages = new Map();
    await this.#following.merge(messages, await this.#tabs.claimed());
    this.saved = true;
    this.emit("opened");
    return true;
  }

  // --- State --------------------------------------------------------------------------------------

  get turns() {
    return turnsTo(this.messages, this.conversation.leaf);
  }

  /** Whether nothing of the conversation is written to the device or kept on the server. */
  get temporary() {
    return this.#store.temporary.has(this.conversation.id);
  }

  get busy() {
    return this.running.length > 0;
  }

  /** Running answers of this conversation, in any tab. */
  get running() {
    return [...this.messages.values()].filter(({ id }) => this.#answers.get(id) || this.#following.has(id));
  }

  /** Loads a file of the conversation and caches it. */
  async file(id) {
    if (!this.#files.has(id)) {
      const file = await this.#store.file(id);
      if (!file) return undefined; // it may still come
      this.#files.set(id, file);
    }
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
    await this.#answers.claim(answers);
    this.#add(question, ...answers);
    conversation.leaf = answers[0].id;
    if (!this.temporary) this.#becomeSaved(text, files);
    await this.#save({ messages: [question, ...answers], files });
    this.emit("turns");
    await this.#ask(question, answers);
  }

  /** A conversation gets its title from its first question when it is stored. */
  #becomeSaved(text, files) {
    const { conversation } = this;
    if (conversation.titled === "auto" && !conversation.title) conversation.title = titleFrom(text, files);
    this.saved = true;
  }

  /** Sends an edited question as a sibling of the original, which stays. */
  async edit(question, text) {
    const files = await Promise.all((question.files ?? []).map((id) => this.file(id)));
    await this.send(text, files.filter(Boolean), question.parent);
  }

  /** Requests another version of an answer, from the same or another model; `more` are further fields of the request. */
  async regenerate(answer, model = answer.model, more = {}) {
    const question = this.messages.get(answer.parent);
    const version = this.#newAnswer(question, model, answer.slot);
    await this.#answers.claim([version]);
    this.#add(version);
    this.#show(question, version);
    await this.#save({ messages: [question, version] });
    this.emit("turns");
    await this.#ask(question, [version], more);
  }

  /** Repeats a failed answer in its place. */
  async retry(answer) {
    await this.#answers.claim([answer]);
    await this.#store.removeMessages([], fileIds(answer).map((id) => ({ id })), {});
    Object.assign(answer, { text: "", error: null, meta: {}, status: "waiting" });
    for (const name of ["reasoning", "thought_ms", "images", "sources", "search", "calls", "feedback"]) delete answer[name];
    await this.#save({ messages: [answer] });
    this.emit("turns");
    await this.#ask(this.messages.get(answer.parent), [answer]);
  }

  /** Extends an answer that was cut. The cost of its parts adds up. */
  async continue(answer) {
    await this.#answers.claim([answer]);
    const { cost, usage, generation_id } = answer.meta;
    if (usage) (answer.earlier ??= []).push({ cost, tokens: usage.completion_tokens, generation_id });
    Object.assign(answer, { error: null, meta: {}, status: "waiting", base: answer.text.length, base_images: answer.images?.length ?? 0 });
    for (const name of ["calls", "feedback"]) delete answer[name]; // calls that were cut off too
    await this.#save({ messages: [answer] });
    this.emit("turns");
    await this.#ask(this.messages.get(answer.parent), [answer]);
  }

  #add(...messages) {
    this.changes += 1;
    for (const message of messages) this.messages.set(message.id, message);
  }

  /** Stops all running answers. */
  stop() {
    for (const message of this.running) this.stopOne(message);
  }

  stopOne(message) {
    this.#answers.stop(message.id);
  }

  #newAnswer(question, model, slot) {
    return {
      id: newId(), conversation: question.conversation, parent: question.id, role: "assistant", created: now(), slot, model, text: "",
      status: "waiting", error: null, meta: {},
    };
  }

  async #ask(question, answers, more = {}) {
    const { conversation } = this;
    const turns = turnsTo(this.messages, question.id);
    for (const answer of answers) {
      const body = await requestFor({
        conversation, turns, question, model: answer.model, slot: answer.slot, cut: answer.text,
        accepts: (kind) => this.#models.accepts(answer.model, kind), output: this.#models.get(answer.model).output, load: (id) => this.file(id),
      });
      this.#models.markUsed(answer.model);
      if (body.plugins) answer.search ??= { query: "", pages: [] }; // known when it is made
      this.#answers.start(answer, { ...body, ...more }, { kept: !this.temporary });
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

  /** Shows the branch with this message, until another one is chosen. */
  showBranch(id) {
    const message = this.messages.get(id);
    if (!message || [...this.#path()].includes(message)) return;
    if (message.role === "user") this.conversation.leaf = deepest(this.messages, id);
    else this.#show(this.messages.get(message.parent), message);
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

  /** Deletes a question or one version of an answer, with all that follows it. Resolves to a function that undoes it. */
  remove(message) {
    return this.#removal.remove(message);
  }

  /** Notes the feedback on an answer that was sent, or with null that there is none. */
  async rate(answer, feedback) {
    if (feedback) answer.feedback = feedback;
    else delete answer.feedback;
    await this.#save({ messages: [answer] }, false);
    this.#changed("changed", answer);
  }

  /** Lets all models of the next turn have this answer as the one before, in place of each its own; the other way round
      if that is so already. Resolves to whether they have. */
  async goOnFrom(answer) {
    const question = this.messages.get(answer.parent);
    const chosen = question.basis !== answer.slot;
    if (chosen) question.basis = answer.slot;
    else delete question.basis;
    if (chosen) this.conversation.leaf = deepest(this.messages, answer.id);
    await this.#save({ messages: [question] });
    this.emit("turns");
    return chosen;
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
    const { conversation, messages, files } = await branchOf(this.conversation, this.messages, answer, (id) => this.file(id));
    await this.#store.write({ conversations: [conversation], messages, files });
    await this.open(conversation.id);
    this.emit("list");
  }

  // --- Settings -----------------------------------------------------------------------------------

  /** Makes a conversation without messages temporary or not. */
  setTemporary(temporary) {
    if (temporary) this.#store.temporary.add(this.conversation.id);
    else this.#store.temporary.delete(this.conversation.id);
    this.emit("settings");
  }

  /** Stores a temporary conversation, which goes on as an ordinary one. */
  async keep() {
    const { conversation } = this;
    const messages = [...this.messages.values()];
    const first = messages.find(({ role }) => role === "user");
    const files = (await Promise.all(messages.flatMap(fileIds).map((id) => this.file(id)))).filter(Boolean);
    this.#store.temporary.delete(conversation.id);
    this.#becomeSaved(first.text, files.filter(({ id }) => first.files.includes(id)));
    await this.#save({ messages: [...this.messages.values()], files });
    this.emit("turns");
    this.emit("settings");
  }

  /** Updates the conversation's models, system, params, title, pinned, folder or web. */
  async change(changes) {
    Object.assign(this.conversation, changes);
    if (this.saved) await this.#save({}, false);
    this.emit("settings");
  }

  /** Cost of the conversation in pico-dollars (BigInt), including all branches. */
  get cost() {
    return [...this.messages.values()].reduce((sum, message) => sum + costOf(message), 0n);
  }

  /** The newest answer shown, for copying. */
  get lastAnswer() {
    const turn = this.turns.at(-1);
    return turn && answerFor(turn, this.conversation.models[0], 0);
  }

  #changed(name, message) {
    if (name === "ended") this.changes += 1;
    if (!this.messages.has(message.id)) {
      if (name === "ended") this.emit("list");
      return;
    }
    this.emit("message", { message, name });
  }

  async #save(records, touched = true) {
    if (touched) this.conversation.updated = now();
    this.saving = this.#store.write({ conversations: [this.conversation], ...records });
    await this.saving;
    if (this.saved) this.#tabs.broadcast("conversation", this.conversation.id);
    this.emit("list");
  }
}
