/* The page's WebSocket, with automatic reconnection.

   Each request is sent at most once. Unsent requests wait for the connection. Requests that were sent before the
   connection broke are reported as lost and never sent again, because they may have been answered and charged. */

import { Emitter } from "chat/emitter";

const SIGNED_OUT = 4401;
const LONGEST_PAUSE = 15_000;
const QUIET = 25_000;
const PATIENCE = 10_000;

export class Socket extends Emitter {
  /** "connecting", "open", "broken" or "signed-out" */
  state = "connecting";
  #waiting = new Map(); // requests made before the connection was open
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

  /** Sends request `id`; true if it was sent, false if it waits for the connection. */
  ask(id, text) {
    if (this.state === "open") return this.#send(text);
    this.#waiting.set(id, text);
    this.#connectNow();
    return false;
  }

  /** Stops an answer; true if its request had not been sent. */
  stop(id) {
    if (this.#waiting.delete(id)) return true;
    this.#send(JSON.stringify({ type: "stop", id }));
    return false;
  }

  /** Requests the cost of an answer, if the connection is open. */
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
    // On the first refusal the session may only have been renewed: the next handshake sends the new cookie.
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
    // Networks drop idle connections without notice: send pings and require a reply.
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
    socket.onclose = null; // the browser may take a minute to notice that the connection is gone
    socket.close();
    this.#closed(1006);
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit("state", state);
  }
}
