/* The page's connection to the server.

   Each request is sent at most once. Unsent requests wait for the connection. Requests that were sent before the
   connection broke are never sent again, because they may have been answered and charged: their answers are resumed. */

import { Emitter } from "chat/emitter";
import { Connection } from "connection";

const MAX_RETRY_DELAY = 15_000;

export class Socket extends Emitter {
  /** Why the server refused a further connection (state "full"). */
  refusal = "";
  #unsent = new Map(); // requests made before the connection was open
  #connection;

  /** `user` is the ID of the user whose chats the page shows. */
  constructor(url, user) {
    super();
    this.user = user;
    this.#connection = new Connection(url, {
      maxDelay: MAX_RETRY_DELAY,
      ready: (frame) => this.#ready(frame),
      frame: (frame) => this.#frame(frame),
      changed: (state) => this.#changed(state),
      lost: () => this.emit("lost"),
    });
    this.#connection.open();
  }

  /** As a `Connection`'s, or "other-user". */
  get state() {
    return this.#connection.state;
  }

  /** Whether the page must be loaded again, signed in, before it can send. */
  get ended() {
    return this.state === "signed-out" || this.state === "other-user";
  }

  /** Sends request `id`; true if it was sent, false if it waits for the connection. */
  ask(id, text) {
    if (this.state === "open") return this.#connection.send(text);
    this.#unsent.set(id, text);
    if (!this.ended) this.#connection.open();
    return false;
  }

  /** Stops an answer; true if its request had not been sent. */
  stop(id) {
    if (this.#unsent.delete(id)) return true;
    this.#connection.send(JSON.stringify({ type: "stop", id }));
    return false;
  }

  /** Requests the rest of an answer that was begun on an earlier connection. */
  resume(id, key) {
    this.#connection.send(JSON.stringify({ type: "resume", id, key }));
  }

  /** Tells the server that this page has all of an answer. */
  forget(id) {
    this.#connection.send(JSON.stringify({ type: "forget", id }));
  }

  /** Requests the models that these provider preferences leave without a provider, if the connection is open. */
  check(provider) {
    this.#connection.send(JSON.stringify({ type: "check", provider }));
  }

  /** Requests the cost of an answer, if the connection is open. */
  bill(id, generation) {
    this.#connection.send(JSON.stringify({ type: "bill", id, generation_id: generation }));
  }

  /** Another user may have signed in: this page's chats and messages are not theirs. */
  #ready({ user }) {
    if (user !== this.user) this.#connection.close("other-user");
  }

  #frame(frame) {
    if (frame.type === "refused" && !frame.id && this.state !== "open") this.refusal = frame.message;
    else this.emit("frame", frame);
  }

  #changed(state) {
    this.emit("state", state);
    if (state === "open") this.#sendUnsent();
  }

  #sendUnsent() {
    for (const [id, text] of this.#unsent) if (this.#connection.send(text)) this.#unsent.delete(id);
  }
}
