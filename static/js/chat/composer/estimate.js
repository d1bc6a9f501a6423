/* The estimate below the message box: about how many tokens go to the chosen models, and what that costs. */

import { $ } from "chat/dom";
import { usd } from "chat/money";
import { answerFor } from "chat/device/tree";
import { costOfPrompt, tokens as shortly } from "chat/picker/models";
import { PromptSize, ofFile, ofText } from "chat/answers/prompt-size";

const PAUSE = 150;
const SIGNIFICANT_DIGITS = 2;

/** A count of tokens or of pico-dollars (a BigInt), rounded to what an estimate can tell. */
function roughly(count) {
  const unit = 10n ** BigInt(Math.max(0, String(count).length - SIGNIFICANT_DIGITS));
  return ((BigInt(count) + unit / 2n) / unit) * unit;
}

export class Estimate {
  #timer = 0;
  #round = 0;
  #histories = new Map(); // model and slot -> Promise of the PromptSize of what precedes the message
  #files = new Map(); // file and what the model takes -> Promise of a PromptSize

  /** `rule` has the gateway's constants: {per_message, per_prompt, image, document, second}. */
  constructor({ room, models, composer, balance, rule }) {
    Object.assign(this, { room, models, composer, balance, rule });
    this.line = $("#estimate");
    for (const name of ["opened", "turns", "settings"]) room.on(name, () => this.#histories.clear());
    room.on("opened", () => this.#files.clear());
    room.on("message", ({ name }) => name === "ended" && this.#histories.clear());
    models.on("changed", () => this.#histories.clear());
    composer.on("changed", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#show(), PAUSE);
    });
  }

  async #show() {
    const round = (this.#round += 1);
    const { text, files } = this.composer;
    const { models, web } = this.room.conversation;
    if (!text && !files.length) return this.#say("", []);
    const chosen = models.map((id) => this.models.get(id));
    const sizes = await Promise.all(chosen.map((model, slot) => this.#sizeFor(model, slot, text, files)));
    if (round !== this.#round) return undefined;
    const counts = sizes.map((size, at) => size.tokens(this.rule, chosen[at].context));
    const priced = chosen.every(({ promptPrices }) => promptPrices); // not of a model that the catalog does not list
    const cost = priced ? chosen.reduce((sum, model, at) => sum + costOfPrompt(model, counts[at]), 0n) : 0n;
    const parts = [
      `About ${roughly(counts.reduce((sum, count) => sum + count, 0)).toLocaleString("en")} tokens`,
      priced && (chosen.every(({ free }) => free) ? "free" : `about ${usd(roughly(cost))} for the input`),
      web && "plus web search",
    ];
    return this.#say(parts.filter(Boolean).join(" · "), this.#warnings(chosen, sizes, cost));
  }

  #say(line, warnings) {
    if (this.line.textContent !== line) this.line.textContent = line;
    this.composer.warn(warnings);
  }

  #warnings(chosen, sizes, cost) {
    const warnings = chosen.flatMap(({ short, context }, at) => {
      const count = sizes[at].sure(this.rule);
      return context && count > context
        ? [`${short} reads up to ${shortly(context)} tokens. This chat has about ${shortly(Number(roughly(count)))}. Start a new chat or choose a model with a larger context.`] : [];
    });
    const { amount, refilled } = this.balance;
    if (amount > 0n && cost > amount && !refilled) warnings.push(`The input alone costs about ${usd(roughly(cost))}, more than your balance of ${usd(amount)}.`);
    return warnings;
  }

  async #sizeFor(model, slot, text, files) {
    const key = `${model.id} ${slot}`;
    if (!this.#histories.has(key)) this.#histories.set(key, this.#historyFor(model, slot));
    const sizes = await Promise.all([this.#histories.get(key), ...files.map((file) => this.#fileFor(model, file))]);
    return sizes.reduce((sum, size) => sum.plus(size), ofText(text));
  }

  /** The size of the system prompts and of all turns that are shown, as `model` in `slot` gets them. */
  async #historyFor(model, slot) {
    const { conversation, turns } = this.room;
    const sizes = [];
    if (conversation.system?.trim()) sizes.push(ofText(conversation.system));
    if (model.systemBytes) sizes.push(new PromptSize({ bytes: model.systemBytes, messages: 1 }));
    for (const turn of turns) {
      sizes.push(ofText(turn.question.text));
      const files = await Promise.all((turn.question.files ?? []).map((id) => this.room.file(id)));
      sizes.push(...(await Promise.all(files.filter(Boolean).map((file) => this.#fileFor(model, file)))));
      const answer = answerFor(turn, model.id, slot);
      if (answer) sizes.push(ofText(answer.text));
    }
    return sizes.reduce((sum, size) => sum.plus(size), new PromptSize());
  }

  #fileFor(model, file) {
    const key = `${file.id} ${model.input}`;
    if (!this.#files.has(key)) this.#files.set(key, ofFile(file, (kind) => model.input.includes(kind), this.rule));
    return this.#files.get(key);
  }
}
