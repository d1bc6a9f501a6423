/* A WebSocket that connects again by itself, for the chat and for live pages.

   Frames are JSON. The server's first is "ready"; it answers "ping" with "pong". It closes with 4401 if the session has
   ended, and with 4429 if the user has too many connections. */

const SIGNED_OUT = 4401;
const TOO_MANY = 4429;
const PING_INTERVAL = 25_000;
const PONG_TIMEOUT = 10_000;

export class Connection {
  /** "connecting", "open", "broken" (it tries again), "full" (of the user's connections), "signed-out" or "closed" */
  state = "closed";
  #socket = null;
  #timers = {};
  #attempts = 0; // since it was last open
  #refusals = 0; // with 4401, one after another

  /** `maxDelay` is the longest pause between attempts, in milliseconds. What happens is told to these functions:

      - `ready(frame)` when the server is ready, before the state is "open"; it may close the connection
      - `frame(frame)` for each frame but "pong", after the state is "open" for the first, "ready"
      - `changed(state)` when the state changes
      - `lost()` when a socket has closed, whether or not it was open */
  constructor(url, { maxDelay, ready, frame, changed, lost = () => {} }) {
    this.url = url;
    this.maxDelay = maxDelay;
    this.on = { ready, frame, changed, lost };
    window.addEventListener("online", () => this.#hurry());
    window.addEventListener("offline", () => this.#drop());
    window.addEventListener("pageshow", (event) => event.persisted && this.#hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#hurry());
  }

  /** Connects, unless it is connected; at once if it waits for its next attempt. */
  open() {
    if (this.#ended) this.#setState("connecting");
    this.#hurry();
  }

  /** Closes for good. `state` says why. */
  close(state = "closed") {
    this.#setState(state);
    this.#drop();
  }

  /** Sends a frame; false if there is no connection. */
  send(text) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  get #ended() {
    return !["connecting", "open", "broken", "full"].includes(this.state);
  }

  #hurry() {
    if (this.#socket || this.#ended) return;
    this.#attempts = Math.min(this.#attempts, 1);
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#timers.retry);
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      this.#schedulePing();
      const frame = JSON.parse(data);
      if (frame.type === "ready") this.#ready(frame);
      if (frame.type !== "pong" && !this.#ended) this.on.frame(frame);
    };
    socket.onclose = ({ code }) => this.#closed(code);
  }

  #ready(frame) {
    this.on.ready(frame);
    if (this.#ended) return;
    this.#attempts = this.#refusals = 0;
    this.#setState("open");
  }

  /** Gives the socket up without waiting for the server's goodbye, which may never come. */
  #drop() {
    clearTimeout(this.#timers.retry);
    const socket = this.#socket;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
    this.#closed(1006);
  }

  #closed(code) {
    this.#socket = null;
    clearTimeout(this.#timers.ping);
    clearTimeout(this.#timers.pong);
    if (!this.#ended) this.#wait(code);
    this.on.lost();
  }

  #wait(code) {
    const wasOpen = this.state === "open";
    if (code === SIGNED_OUT) {
      // The session may only have been renewed: the next handshake sends the new cookie.
      this.#refusals += 1;
      if (this.#refusals > 1) return this.#setState("signed-out");
      this.#setState("connecting");
      return this.#retry(0);
    }
    if (code === TOO_MANY) {
      this.#setState("full");
      return this.#retry(this.maxDelay * (0.7 + 0.6 * Math.random()));
    }
    this.#attempts += 1;
    if (this.#attempts > 1 || wasOpen) this.#setState("broken");
    this.#retry(Math.min(this.maxDelay, 200 * 2 ** this.#attempts) * (0.5 + Math.random()));
  }

  #retry(delay) {
    this.#timers.retry = setTimeout(() => this.#connect(), delay);
  }

  #schedulePing() {
    // Networks drop idle connections without notice: send pings and require a reply.
    clearTimeout(this.#timers.ping);
    clearTimeout(this.#timers.pong);
    this.#timers.ping = setTimeout(() => {
      this.send('{"type":"ping"}');
      this.#timers.pong = setTimeout(() => this.#drop(), PONG_TIMEOUT);
    }, PING_INTERVAL);
  }

  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.on.changed(state);
  }
}
