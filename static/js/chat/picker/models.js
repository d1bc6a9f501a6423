/* Available models: fetched once per visit and cached between visits, so that the page does not wait for them. */

import { Emitter } from "chat/emitter";
import { costOfTokens, perMillion, pico } from "chat/money";

const RECENT = 6;

export class Models extends Emitter {
  /** id -> model */
  all = new Map();
  favorites = new Set();
  recent = [];
  /** ids of models without a provider that meets the account's privacy settings */
  unavailable = new Set();
  /** Why the settings exclude a model, by ID. */
  reasons = {};
  /** ids of models that the open chat's provider preferences leave without a provider */
  excluded = new Set();
  /** whether the list came from the site in this visit, and not from the device */
  current = false;
  #store;
  #setup;
  #loaded = false;

  /** `setup` has the account's `presets`, {id: "@preset/<slug>", name, models, system_bytes}, which are chosen like
      models, the `default_model` of those that name none, and with provider keys of its own the address of what they
      add, `own_models`. */
  constructor(store, setup) {
    super();
    this.#store = store;
    this.#setup = setup;
  }

  /** Loads the cached models, then fetches the current ones. */
  async load() {
    this.favorites = new Set(await this.#store.meta("favourites", []));
    this.recent = await this.#store.meta("recent", []);
    this.#setModels(await this.#store.meta("models", []));
    const fresh = this.#fetch();
    if (!this.all.size) await fresh;
    this.#loaded = true;
  }

  async #fetch() {
    const { own_models: own } = this.#setup;
    try {
      // An own key's models are not worth failing for: the site's are there without them.
      const [data, more] = await Promise.all([fetched("/api/v1/models"), own ? fetched(own).catch(() => []) : []]);
      const models = [...data, ...more].map(toModel);
      this.#setModels(models);
      this.current = true;
      if (this.#loaded) this.emit("changed");
      await this.#store.setMeta("models", models);
    } catch {
      if (this.#loaded) this.emit("unreachable");
    }
  }

  #setModels(models) {
    const byId = new Map(models.map((model) => [model.id, model]));
    const find = (id) => byId.get(id) ?? byId.get(id.split(":")[0]); // ":nitro" and the like change no model
    const presets = !models.length ? [] : this.#setup.presets.map((preset) => { // an empty map says that the models aren't loaded
      const ids = preset.models?.length ? preset.models : [this.#setup.default_model];
      return presetAsModel(preset, ids.map(find).filter(Boolean));
    });
    this.all = new Map([...presets, ...models].map((model) => [model.id, model]));
  }

  /** The model, or a placeholder for one that is no longer in the catalog. */
  get(id) {
    return this.all.get(id) ?? {
      id, name: id, short: id.split("/").at(-1), author: id.split("/")[0], context: 0, input: ["text"], output: ["text"],
      parameters: [], missing: true,
    };
  }

  /** Replaces the unavailable ids with the reason of each; the privacy settings may have changed since the page opened. */
  setUnavailable(ids, reasons = {}) {
    this.unavailable = new Set(ids);
    this.reasons = reasons;
    this.emit("availability");
  }

  setExcluded(ids) {
    this.excluded = new Set(ids);
    this.emit("availability");
  }

  isBlocked(id) {
    return this.unavailable.has(id) || this.excluded.has(id);
  }

  accepts(id, kind) {
    return this.get(id).input.includes(kind);
  }

  toggleFavorite(id) {
    if (!this.favorites.delete(id)) this.favorites.add(id);
    this.#store.setMeta("favourites", [...this.favorites]);
    this.emit("favorites");
  }

  markUsed(id) {
    this.recent = [id, ...this.recent.filter((other) => other !== id)].slice(0, RECENT);
    this.#store.setMeta("recent", this.recent);
  }

  /** Models whose name, id or author contain every word, best match first; newest first without words. */
  find(query, filters = new Set()) {
    const words = query.toLowerCase().split(/[\s/:]+/).filter(Boolean);
    const found = [];
    for (const model of this.all.values()) {
      if (filters.has("free") && !model.free) continue;
      if (["image", "file", "audio"].some((kind) => filters.has(kind) && !model.input.includes(kind))) continue;
      if (filters.has("draws") && !model.output.includes("image")) continue;
      if (filters.has("reasoning") && !model.parameters.includes("reasoning")) continue;
      const text = `${model.name} ${model.id}${model.free ? " free" : ""}`.toLowerCase();
      if (!words.every((word) => text.includes(word))) continue;
      const name = model.short.toLowerCase();
      const rank = words.length ? (name.startsWith(words[0]) ? 0 : name.includes(words[0]) ? 1 : 2) : 0;
      found.push({ model, rank });
    }
    const blocked = (model) => Number(this.isBlocked(model.id));
    return found.sort((a, b) => blocked(a.model) - blocked(b.model) || a.rank - b.rank || b.model.created - a.model.created).map(({ model }) => model);
  }
}

/** The models of a list at this address. */
async function fetched(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).data;
}

/** The fields of an API model that the chat uses. */
function toModel(model) {
  const prompt = model.pricing?.prompt ?? "0";
  const completion = model.pricing?.completion ?? "0";
  const name = model.name ?? model.id;
  return {
    id: model.id,
    name,
    short: name.includes(": ") ? name.slice(name.indexOf(": ") + 2) : name,
    author: name.includes(": ") ? name.slice(0, name.indexOf(": ")) : model.id.split("/")[0],
    created: model.created ?? 0,
    context: model.context_length ?? 0,
    input: model.architecture?.input_modalities ?? ["text"],
    output: model.architecture?.output_modalities ?? ["text"],
    parameters: model.supported_parameters ?? [],
    promptPrices: [[0, prompt], ...(model.pricing?.overrides ?? []).filter((tier) => tier.prompt).map((tier) => [tier.min_prompt_tokens, tier.prompt])],
    requestPrice: model.pricing?.request ?? "0",
    prompt: perMillion(prompt),
    completion: perMillion(completion),
    free: pico(prompt) === 0n && pico(completion) === 0n && pico(model.pricing?.request) === 0n,
  };
}

/** A preset among the models. `models` are its own, of which the first serves a request, unless only another one can. */
function presetAsModel({ id, name, system_bytes: systemBytes = 0 }, models) {
  const [first] = models;
  const all = (field) => [...new Set(models.flatMap((model) => model[field]))];
  return {
    id, name, short: name, author: "Preset", preset: true, created: 0, systemBytes,
    uses: first?.short ?? "",
    context: first?.context ?? 0,
    input: first ? all("input") : ["text", "image", "file"], // a model that the catalog does not list may take any
    output: first?.output ?? ["text"],
    parameters: all("parameters"),
    prompt: "", completion: "", promptPrices: first?.promptPrices, requestPrice: first?.requestPrice, free: first?.free ?? false,
  };
}

/** The cost of a prompt of `count` tokens in pico-dollars (a BigInt). Long prompts may have a price of their own. */
export function costOfPrompt({ promptPrices, requestPrice }, count) {
  const [, price] = promptPrices.findLast(([from]) => count > from);
  return costOfTokens(count, price) + pico(requestPrice);
}

/** "128K" from 128000 tokens. */
export function tokens(count) {
  if (count >= 1_000_000) return `${+(count / 1_000_000).toFixed(1)}M`;
  return count >= 1000 ? `${Math.round(count / 1000)}K` : String(count);
}

/** A stable color class for an author's avatar. */
export function colorOf(author) {
  let sum = 0;
  for (const character of author.toLowerCase()) sum = (sum * 31 + character.codePointAt(0)) % 9973;
  return `k${sum % 9}`;
}
