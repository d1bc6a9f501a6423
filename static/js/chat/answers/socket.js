/* The page's WebSocket, with automatic reconnection.

   Each request is sent at most once. Unsent requests wait for the connection. Requests that were sent before the
   connection broke are never sent again, because they may have been answered and charged: their answers are resumed. */

import { Emitter } from "chat/emitter";

const SIGNED_OUT = 4401;
const TOO_MANY = 4429;
const MAX_RETRY_DELAY = 15_000;
const PING_INTERVAL = 25_000;
const PONG_TIMEOUT = 10_000;

export class Socket extends Emitter {
  /** "connecting", "open", "broken", "full" (`refusal` says why), "signed-out" or "other-user" */
  state = "connecting";
  refusal = "";
  #unsent = new Map(); // requests made before the connection was open
  #attempts = 0;
  #timers = {};

  /** `user` is the ID of the user whose chats the page shows. */
  constructor(url, user) {
    super();
    this.url = url;
    this.user = user;
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
    this.#unsent.set(id, text);
    this.#connectNow();
    return false;
  }

  /** Stops an answer; true if its request had not been sent. */
  stop(id) {
    if (this.#unsent.delete(id)) return true;
    this.#send(JSON.stringify({ type: "stop", id }));
    return false;
  }

  /** Requests the rest of an answer that was begun on an earlier connection. */
  resume(id, key) {
    this.#send(JSON.stringify({ type: "resume", id, key }));
  }

  /** Tells the server that this page has all of an answer. */
  forget(id) {
    this.#send(JSON.stringify({ type: "forget", id }));
  }

  /** Requests the models that these provider preferences leave without a provider, if the connection is open. */
  check(provider) {
    this.#send(JSON.stringify({ type: "check", provider }));
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
      this.#schedulePing();
      const frame = JSON.parse(data);
      if (frame.type === "ready" && !this.#ready(frame)) return;
      if (frame.type === "refused" && !frame.id && this.state !== "open") this.refusal = frame.message;
      else if (frame.type !== "pong") this.emit("frame", frame);
    };
    socket.onclose = ({ code }) => this.#socket === socket && this.#closed(code);
  }

  /** False if another user has signed in: this page's chats and messages are not theirs. */
  #ready({ user }) {
    if (user !== this.user) {
      this.#setState("other-user");
      this.#socket.close();
      return false;
    }
    this.#attempts = 0;
    this.#setState("open");
    for (const [id, text] of this.#unsent) if (this.#send(text)) this.#unsent.delete(id);
    return true;
  }

  /** Whether the page must be loaded again, signed in, before it can send. */
  get ended() {
    return this.state === "signed-out" || this.state === "other-user";
  }

  #closed(code) {
    this.#socket = null;
    clearTimeout(this.#timers.ping);
    clearTimeout(this.#timers.pong);
    const wasOpen = this.state === "open";
    if (code === SIGNED_OUT && this.#attempts > 0) {
      this.#setState("signed-out");
    } else if (code === SIGNED_OUT) {
      // The session may only have been renewed: the next handshake sends the new cookie.
      this.#attempts += 1;
      this.#setState("connecting");
      this.#timers.retry = setTimeout(() => this.#connect(), 0);
    } else if (code === TOO_MANY) {
      this.#timers.retry = setTimeout(() => this.#connect(), MAX_RETRY_DELAY * (0.7 + 0.6 * Math.random()));
      this.#setState("full");
    } else if (!this.ended) {
      const delay = Math.min(MAX_RETRY_DELAY, 400 * 2 ** this.#attempts) * (0.5 + Math.random());
      this.#attempts += 1;
      this.#timers.retry = setTimeout(() => this.#connect(), delay);
      if (this.#attempts > 1 || wasOpen) this.#setState("broken");
    }
    this.emit("lost");
  }

  #connectNow() {
    if (this.#socket || this.ended) return;
    this.#attempts = Math.min(this.#attempts, 1);
    this.#connect();
  }

  #schedulePing() {
    // Networks drop idle connections without notice: send pings and require a reply.
    clearTimeout(this.#timers.ping);
    clearTimeout(this.#timers.pong);
    this.#timers.ping = setTimeout(() => {
      this.#send('{"type":"ping"}');
      this.#timers.pong = setTimeout(() => this.#dropConnection(), PONG_TIMEOUT);
    }, PING_INTERVAL);
  }

  #dropConnection() {
    const socket = this.#socket;
    if (!socket) return;
    socket.onclose = null; // the browser may take a minute to notice that the connection is gone
    socket.close();
    this.#closed(1006);
  }

  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit("state", state);
  }
}
