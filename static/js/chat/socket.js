/* The line to the server: one socket for the page, mended when it breaks.

   A question is sent once. One that has not left yet waits for the line; one that had left when the line
   broke is reported as lost, never sent again: it may have been answered, and paid. */

import { Emitter } from "chat/emitter";

const SIGNED_OUT = 4401;
const LONGEST_PAUSE = 15_000;
const QUIET = 25_000;
const PATIENCE = 10_000;

export class Socket extends Emitter {
  /** "connecting", "open", "broken" or "signed-out" */
  state = "connecting";
  #waiting = new Map(); // asked before the line was open
  #tries = 0;
  #timers = {};

  constructor(url) {
    super();
    this.url = url;
    window.addEventListener("online", () => this.#connectNow());
    window.addEventListener("offline", () => this.#socket?.close());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#connectNow());
    window.addEventListener("pageshow", (event) => event.persisted && this.#connectNow());
    this.#connect();
  }

  #socket = null;

  /** Sends the question `id`; true when it has left, false while it waits for the line. */
  ask(id, text) {
    if (this.state === "open") return this.#send(text);
    this.#waiting.set(id, text);
    this.#connectNow();
    return false;
  }

  /** Stops an answer; true when the question had not even left. */
  stop(id) {
    if (this.#waiting.delete(id)) return true;
    this.#send(JSON.stringify({ type: "stop", id }));
    return false;
  }

  /** Asks what an answer has cost, if the line is open. */
  bill(id, generation) {
    this.#send(JSON.stringify({ type: "bill", id, generation_id: generation }));
  }

  #send(text) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  #connect() {
    clearTimeout(this.#timers.retry);
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      this.#listen();
      const frame = JSON.parse(data);
      if (frame.type === "ready") this.#ready();
      if (frame.type !== "pong") this.emit("frame", frame);
    };
    socket.onclose = ({ code }) => this.#socket === socket && this.#closed(code);
  }

  #ready() {
    this.#tries = 0;
    this.#become("open");
    for (const [id, text] of this.#waiting) if (this.#send(text)) this.#waiting.delete(id);
  }

  #closed(code) {
    this.#socket = null;
    clearTimeout(this.#timers.quiet);
    clearTimeout(this.#timers.patience);
    const wasOpen = this.state === "open";
    // The first time, the session may only have been renewed: the next handshake carries the new cookie.
    if (code === SIGNED_OUT && this.#tries > 0) {
      this.#become("signed-out");
    } else {
      const pause = Math.min(LONGEST_PAUSE, 400 * 2 ** this.#tries) * (0.5 + Math.random());
      this.#tries += 1;
      this.#timers.retry = setTimeout(() => this.#connect(), pause);
      if (this.#tries > 1 || wasOpen) this.#become("broken");
    }
    this.emit("lost");
  }

  #connectNow() {
    if (this.#socket || this.state === "signed-out") return;
    this.#tries = Math.min(this.#tries, 1);
    this.#connect();
  }

  #listen() {
    // Networks drop silent connections without telling anybody: speak now and then, and expect an answer.
    clearTimeout(this.#timers.quiet);
    clearTimeout(this.#timers.patience);
    this.#timers.quiet = setTimeout(() => {
      this.#send('{"type":"ping"}');
      this.#timers.patience = setTimeout(() => this.#drop(), PATIENCE);
    }, QUIET);
  }

  #drop() {
    const socket = this.#socket;
    if (!socket) return;
    socket.onclose = null; // the browser may take a minute to notice
    socket.close();
    this.#closed(1006);
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit("state", state);
  }
}
