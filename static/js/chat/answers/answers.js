/* Running answers: applies socket frames to their messages and saves those about twice a second.

   An answer's status is "waiting", "streaming", then "done", "stopped", "failed" or "interrupted". A running answer has
   a `key`: with it, the page can get the rest of it after its connection or the page itself was lost. */

import { Emitter } from "chat/emitter";
import { imageFile } from "chat/answers/images";
import { newKey } from "chat/device/ids";

/** Milliseconds between two times that a growing answer is stored, all of it: longer for a long one. Other tabs show what is
    stored. */
const SAVE_PAUSE = 500;
const LONGEST_SAVE_PAUSE = 900;
/** Characters that make the pause a millisecond longer. */
const GROWTH = 100;
const SIGNED_OUT = "Your message is still here. Sign in, then try again.";
const RUNNING = new Set(["waiting", "streaming"]);

export const isRunning = (message) => RUNNING.has(message.status);

/** Gives a message the parts of `content` that are as long as its own, or longer. */
function showMore(message, content) {
  for (const name of ["text", "reasoning", "images", "sources", "calls"]) {
    if (content[name] && content[name].length >= (message[name]?.length ?? 0)) message[name] = content[name];
  }
}

export class Answers extends Emitter {
  #live = new Map(); // id -> {message, timer, saved, thinkingSince, cut, files: not saved yet, content: what came since it was resumed}
  #unbilled = new Map(); // id -> message without its cost yet
  #socket;
  #store;
  #tabs;
  #limit;
  #replaying = false;
  #toStop = new Map(); // id -> key of the answers that were stopped without a connection
  #stopping = new Set(); // ids of these until they are billed: the server must not forget before that they are to stop

  /** `limit` is the maximum size of a request: {bytes, text}. */
  constructor(socket, store, tabs, limit) {
    super();
    this.#limit = limit;
    this.#socket = socket;
    this.#store = store;
    this.#tabs = tabs;
    socket.on("frame", (frame) => this.#onFrame(frame));
    socket.on("lost", () => this.#onConnectionLost());
    tabs.on("stop", (id) => this.#live.has(id) && this.stop(id));
    socket.on("state", () => (socket.ended ? this.#refuseWaiting() : socket.state === "open" && this.#resumeCut()));
    const save = () => store.writeNow([...this.#live.values()].map(({ message }) => message));
    window.addEventListener("pagehide", save);
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && save());
  }

  emit(name, detail) {
    if (!this.#replaying || name === "balance" || name === "file") super.emit(name, detail);
  }

  /** The message of a running answer of this tab. */
  get(id) {
    return this.#live.get(id)?.message;
  }

  /** Tells the other tabs that this one will write these messages. Call it before they are stored. */
  async claim(messages) {
    await Promise.all(messages.map(({ id }) => this.#tabs.claim(id)));
  }

  /** Requests an answer; `message` fills as frames arrive. One that is not `kept` ends with its connection. */
  start(message, body, { kept = true } = {}) {
    const live = this.#begin(message);
    message.status = "waiting";
    if (kept) message.key = newKey();
    const text = JSON.stringify({ type: "ask", id: message.id, body, key: message.key });
    if (new Blob([text]).size > this.#limit.bytes) {
      return this.#fail(live, 413, `This chat is over ${this.#limit.text} with attachments. Start a new chat or remove some.`);
    }
    if (this.#socket.ended) return this.#fail(live, 401, SIGNED_OUT);
    message.queued = !this.#socket.ask(message.id, text);
    this.emit("began", message);
    return undefined;
  }

  #begin(message) {
    const live = { message, timer: 0, saved: false, thinkingSince: 0, cut: false, files: [] };
    this.#live.set(message.id, live);
    return live;
  }

  /** Gets the rest of an answer whose page was closed. */
  resume(message) {
    const live = this.#begin(message);
    if (!message.key) return this.#interrupt(live);
    live.cut = true;
    if (this.#socket.ended) this.#interrupt(live);
    else if (this.#socket.state === "open") this.#resumeCut();
    return undefined;
  }

  #resumeCut() {
    for (const [id, key] of this.#toStop) {
      this.#socket.resume(id, key);
      this.#socket.stop(id);
    }
    this.#toStop.clear();
    for (const live of this.#live.values()) {
      if (!live.cut) continue;
      live.cut = false;
      this.#socket.resume(live.message.id, live.message.key);
    }
  }

  #fail(live, status, text) {
    live.message.error = { status, text };
    this.#finish(live, "failed");
  }

  /** Answers that wait for a connection fail: this page won't have one again. */
  #refuseWaiting() {
    for (const live of [...this.#live.values()]) {
      if (live.cut) this.#interrupt(live);
      else if (live.message.queued && this.#socket.stop(live.message.id)) this.#fail(live, 401, SIGNED_OUT);
    }
  }

  /** Stops an answer of any tab and keeps the text received so far. */
  stop(id) {
    const live = this.#live.get(id);
    if (!live) return this.#tabs.broadcast("stop", id);
    const generation = live.message.meta?.generation_id;
    this.#socket.stop(id);
    if (generation) this.#unbilled.set(id, live.message);
    if (live.cut) {
      this.#toStop.set(id, live.message.key);
      this.#stopping.add(id);
    }
    return this.#finish(live, "stopped");
  }

  /** Stops the answers of one conversation, or all. */
  stopAll(conversation = null) {
    for (const { message } of [...this.#live.values()]) {
      if (conversation === null || message.conversation === conversation) this.stop(message.id);
    }
  }

  /** Ids of the conversations with running answers of this tab. */
  get conversations() {
    return new Set([...this.#live.values()].map(({ message }) => message.conversation));
  }

  /** Requests the cost of answers that were cut off. */
  requestBills(messages) {
    for (const message of messages) {
      this.#unbilled.set(message.id, message);
      this.#socket.bill(message.id, message.meta.generation_id);
    }
  }

  #onFrame(frame) {
    if (frame.balance !== undefined) this.emit("balance", frame);
    if (!frame.id) return this.emit(frame.type, frame);
    const live = this.#live.get(frame.id);
    if (frame.type === "billed") this.#applyBill(live?.message ?? this.#unbilled.get(frame.id), frame);
    if (live) this.#applyFrame(live, frame);
    return undefined;
  }

  #applyFrame(live, frame) {
    const { message } = live;
    switch (frame.type) {
      case "accepted":
        message.queued = false;
        break;
      case "resumed":
        return this.#applyResumed(live, frame);
      case "lost":
        return this.#interrupt(live);
      case "started":
        message.status = "streaming";
        message.meta = {
          ...message.meta, generation_id: frame.generation_id, model: frame.model, provider: frame.provider, simulated: frame.simulated,
        };
        if (frame.search) message.search = frame.search;
        break;
      case "delta":
        return this.#applyDelta(live, frame);
      case "finished":
        message.meta.finish = frame.reason;
        break;
      case "failed":
      case "refused": {
        const { status, message: text, error_type, remedy, retry_after, excluded_by } = frame;
        message.error = { status, text, error_type, remedy, retry_after, excluded_by };
        break;
      }
      case "stopped":
        message.status = "stopped";
        break;
      case "ended":
        return this.#finish(live, message.error ? "failed" : message.status === "stopped" ? "stopped" : "done");
      default:
        return undefined;
    }
    this.emit("changed", message);
    return undefined;
  }

  #applyDelta(live, { text = "", reasoning = "", refusal = "", images, annotations, tool_calls: calls = [] }) {
    const { message, content = message } = live;
    if (reasoning) {
      live.thinkingSince ||= performance.now();
      content.reasoning = (content.reasoning ?? "") + reasoning;
    }
    if (text && live.thinkingSince && !message.thought_ms) {
      message.thought_ms = Math.max(1, Math.round(performance.now() - live.thinkingSince));
    }
    content.text += text + refusal;
    for (const image of images ?? []) this.#addImage(live, image.image_url?.url ?? image.url);
    for (const { url_citation: source } of annotations ?? []) {
      if (source?.url) (content.sources ??= []).push({ url: source.url, title: source.title ?? "" });
    }
    for (const { index, id, name, arguments: more } of calls) {
      const call = ((content.calls ??= [])[index] ??= { id: "", name: "", arguments: "" });
      Object.assign(call, { id: id ?? call.id, name: name ?? call.name, arguments: call.arguments + more });
    }
    if (live.content) return; // what is shown changes with the whole piece
    live.timer ||= setTimeout(() => this.#save(live), live.saved && !live.files.length ? Math.min(LONGEST_SAVE_PAUSE, SAVE_PAUSE + content.text.length / GROWTH) : 0);
    this.emit("delta", { message, text: text + refusal, reasoning, images: Boolean(images), sources: Boolean(annotations), calls: calls.length > 0 });
  }

  #addImage(live, url) {
    const { message, content = message } = live;
    const file = imageFile(message, (content.images?.length ?? 0) + 1, url);
    if (file) {
      live.files.push(file);
      this.emit("file", file);
    }
    if (file || /^https?:/.test(url)) (content.images ??= []).push(file?.id ?? url);
  }

  #applyBill(message, { usage, cost, latency_ms, duration_ms, web_searches }) {
    if (!message) return;
    this.#unbilled.delete(message.id);
    if (this.#stopping.delete(message.id)) this.#socket.forget(message.id);
    message.meta = { ...message.meta, usage, cost, latency_ms, duration_ms, ...(web_searches && { web_searches }) };
    this.emit("changed", message);
    if (!this.#live.has(message.id)) this.#persist(message);
  }

  #onConnectionLost() {
    for (const live of [...this.#live.values()]) {
      if (live.message.queued) continue; // not sent yet, or cut before
      if (!live.message.key) {
        this.#interrupt(live);
        continue;
      }
      live.cut = live.message.queued = true;
      this.emit("changed", live.message);
    }
  }

  /** The server has nothing more of an answer. What it cost is asked for. */
  #interrupt(live) {
    const { message } = live;
    message.error = { status: 0, text: "Connection lost before the answer finished." };
    if (message.meta?.generation_id) this.requestBills([message]);
    this.#finish(live, "interrupted");
  }

  /** Applies frames of an answer that goes on. The first ones begin it anew, behind what is shown: that never becomes
      shorter, even if the server has lost its last words. */
  #applyResumed(live, { frames, start }) {
    const { message } = live;
    message.queued = false;
    if (start === 0) {
      live.content = { text: message.text.slice(0, message.base ?? 0), images: message.images?.slice(0, message.base_images ?? 0) };
      message.error = null;
    }
    this.#replaying = true;
    const last = frames.at(-1);
    for (const frame of frames) {
      if (frame === last) {
        showMore(message, live.content);
        this.#replaying = false;
      }
      this.#onFrame(frame);
    }
    showMore(message, live.content);
    this.emit("changed", message);
    if (this.#live.has(message.id)) this.#save(live);
  }

  #finish(live, status) {
    const { message } = live;
    this.#live.delete(message.id);
    clearTimeout(live.timer);
    message.status = status;
    if (live.thinkingSince && !message.thought_ms) message.thought_ms = Math.round(performance.now() - live.thinkingSince);
    for (const name of ["queued", "key", "base", "base_images"]) delete message[name];
    if (!message.search?.query) delete message.search; // it was not made
    this.#persist(message, live.files).then(() => {
      if (!this.#stopping.has(message.id)) this.#socket.forget(message.id);
      this.#tabs.release(message.id);
    });
    this.emit("ended", message);
  }

  #save(live) {
    clearTimeout(live.timer);
    live.timer = 0;
    live.saved = true;
    this.#persist(live.message, live.files.splice(0));
  }

  async #persist(message, files = []) {
    await this.#store.writeAnswer(message, files);
    this.#tabs.broadcast("answer", { id: message.id, conversation: message.conversation });
  }

  /** After a reconnect: requests the costs that the lost connection would have delivered. */
  requestMissingBills() {
    this.requestBills([...this.#unbilled.values()]);
  }
}
