/* Runs the request from the reader's account or with a key, over the socket of the chat, and shows what comes back.

   What runs is the JSON that the page shows. */

import { Socket } from "chat/answers/socket";
import { newId } from "chat/device/ids";
import { h } from "chat/dom";
import { pico, usd } from "chat/money";

const $ = (id) => document.getElementById(id);
const ENDS = { stop: "Finished.", length: "Reached the token limit.", tool_calls: "The model calls tools.", content_filter: "Stopped by the provider’s content filter." };

export class Runner {
  #socket = null;
  #form;
  #user;
  #id = "";
  #pieces = {}; // the elements of the response, by kind
  #facts = {};

  /** `form` returns the form; `user` is the ID of the signed-in user, or null. */
  constructor(form, user) {
    this.#form = form;
    this.#user = user;
    if (!user) return;
    $("run-start").addEventListener("click", () => this.#start());
    $("run-stop").addEventListener("click", () => this.#stop());
  }

  async #start() {
    await this.#settled();
    const result = $("result");
    const { valid } = JSON.parse(result.dataset.notes);
    if (!valid) {
      this.#say("Complete the request first. What’s missing is marked in the form.");
      this.#form().querySelector("[aria-invalid=true], .message .error:not([hidden])")?.scrollIntoView({ block: "center" });
      return;
    }
    this.#connect();
    this.#id = newId();
    this.#pieces = {};
    this.#facts = {};
    $("run-output").replaceChildren();
    $("run-output").hidden = $("run-facts").hidden = true;
    this.#running(true);
    this.#say("Waiting for the provider…");
    const body = JSON.parse(result.querySelector("#code-json code").textContent);
    const api = new FormData(this.#form()).get("api");
    if (this.#socket.ended) return this.#end("You’re signed out. Sign in to run the request.");
    this.#socket.ask(this.#id, JSON.stringify({ type: "ask", id: this.#id, api, body, api_key: $("run-key").value.trim() || null }));
  }

  /** Waits until the server has answered the last change of the form. */
  #settled() {
    return new Promise((resolve) => {
      const done = () => resolve(document.removeEventListener("htmx:afterSettle", done));
      document.addEventListener("htmx:afterSettle", done);
      setTimeout(done, 5000);
      this.#form().dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  #stop() {
    if (this.#socket.stop(this.#id)) this.#end("Stopped before it was sent.");
  }

  #connect() {
    if (this.#socket) return;
    this.#socket = new Socket(new URL("/ws/chat", location.href.replace(/^http/, "ws")), this.#user);
    this.#socket.on("frame", (frame) => frame.id === this.#id && this.#received(frame));
    this.#socket.on("lost", () => this.#id && !$("run-stop").hidden && this.#socket.state !== "connecting" && this.#end("The connection was lost. Run the request again."));
    this.#socket.on("state", (state) => {
      if (state === "full") this.#end(this.#socket.refusal);
      if (this.#socket.ended) this.#end("You’re signed out. Sign in to run the request.");
    });
  }

  #received(frame) {
    switch (frame.type) {
      case "started":
        this.#say(`${frame.provider} is responding…`);
        this.#learn({ Model: frame.model, Provider: frame.provider + (frame.simulated ? " (simulated)" : ""), Generation: frame.generation_id });
        break;
      case "delta":
        this.#show(frame);
        break;
      case "finished":
        this.#say(ENDS[frame.reason] ?? `Finished: ${frame.reason}.`);
        break;
      case "failed":
        this.#say(`The provider’s response was cut off (${frame.status}): ${frame.message}`);
        break;
      case "refused":
        this.#say(`${frame.message}`, frame.remedy);
        break;
      case "stopped":
        this.#say("You stopped this response.");
        break;
      case "billed":
        this.#billed(frame);
        break;
      case "ended":
        this.#running(false);
        break;
      default:
    }
  }

  #show({ text, reasoning, refusal, tool_calls: calls, images, vectors }) {
    if (reasoning) this.#append("reasoning", reasoning);
    if (text || refusal) this.#append("text", (text ?? "") + (refusal ?? ""));
    for (const call of calls ?? []) this.#append(`call-${call.index}`, `${call.name ? `${call.name} ` : ""}${call.arguments}`, "code");
    for (const { image_url: image } of images ?? []) {
      if (/^data:image\/(png|jpeg|webp|gif);/.test(image?.url)) this.#place(h("img", { src: image.url, alt: "Generated image" }));
    }
    if (vectors) {
      const start = Array.isArray(vectors.start) ? `[${vectors.start.join(", ")}, …]` : `${vectors.start}…`;
      this.#append("text", `${vectors.count === 1 ? "1 vector" : `${vectors.count} vectors`} of ${vectors.dimensions} dimensions\n${start}`);
    }
  }

  #append(kind, text, tag = "p") {
    if (!this.#pieces[kind]) {
      this.#pieces[kind] = document.createTextNode("");
      this.#place(h(tag === "code" ? "code" : `p.${kind}`, {}, this.#pieces[kind]));
    }
    const output = $("run-output");
    const atEnd = output.scrollHeight - output.scrollTop - output.clientHeight < 40;
    this.#pieces[kind].appendData(text);
    if (atEnd) output.scrollTop = output.scrollHeight;
  }

  #place(element) {
    $("run-output").hidden = false;
    $("run-output").append(element);
  }

  #billed({ usage, cost, balance, latency_ms: latency, duration_ms: duration }) {
    for (const element of document.querySelectorAll("[data-balance]")) element.textContent = balance;
    this.#learn({
      Cost: usd(pico(cost), { exact: true }),
      Tokens: `${usage.prompt_tokens.toLocaleString("en")} in, ${usage.completion_tokens.toLocaleString("en")} out`,
      "Time to first token": `${(latency / 1000).toFixed(2)} s`,
      "Total time": `${(duration / 1000).toFixed(2)} s`,
    });
  }

  #learn(facts) {
    Object.assign(this.#facts, facts);
    const list = $("run-facts");
    list.hidden = false;
    list.replaceChildren(...Object.entries(this.#facts).flatMap(([name, value]) => {
      const shown = name === "Generation" ? h("a.link", { href: `/activity/${value}` }, value) : value;
      return [h("dt", {}, name), h("dd", {}, shown)];
    }));
  }

  #say(text, remedy = null) {
    $("run-status").replaceChildren(text, ...(remedy ? [" ", h("a.link", { href: remedy.href }, remedy.text)] : []));
  }

  #running(on) {
    $("run-start").hidden = on;
    $("run-stop").hidden = !on;
    if (on) $("run-stop").focus();
    else if (document.activeElement === document.body) $("run-start").focus();
  }

  #end(text) {
    this.#say(text);
    this.#running(false);
  }
}
