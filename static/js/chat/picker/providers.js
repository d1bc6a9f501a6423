/* The fields of the provider preferences in the parameters dialog, and the chip that names them beside the message box. */

import { $, h, icon } from "chat/dom";
import { LISTS, PRICES, inWords, preferencesOf } from "chat/picker/preferences";

/** The providers of the site, fetched once per visit and kept on the device: slug -> name. */
export class Providers {
  names = new Map();
  #store;
  #loading = null;

  constructor(store) {
    this.#store = store;
  }

  nameOf = (slug) => this.names.get(slug) ?? slug;

  load() {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load() {
    this.names = new Map(await this.#store.meta("providers", []));
    try {
      const response = await fetch("/api/v1/providers", { headers: { Accept: "application/json" } });
      const { data } = await response.json();
      this.names = new Map(data.map(({ slug, name }) => [slug, name]));
      this.#store.setMeta("providers", [...this.names]);
    } catch {
      this.#loading = null; // another time
    }
  }
}

export class ProviderFields {
  #picked = { order: [], only: [], ignore: [] };

  /** `onchange` is called after a provider was added to a list or removed from one. */
  constructor({ form, providers, onchange }) {
    Object.assign(this, { form, providers, onchange });
    for (const name of LISTS) {
      this.#select(name).addEventListener("change", ({ target }) => {
        if (target.value) this.#add(name, target.value);
      });
    }
  }

  #select = (name) => $(`#p-${name}`);

  /** Fills the fields from a chat's parameters. */
  async show(params) {
    const preferences = preferencesOf(params);
    const { elements } = this.form;
    elements.sort.value = preferences.sort ?? "";
    elements.zdr.checked = preferences.zdr === true;
    elements.fallbacks.checked = preferences.allow_fallbacks !== false;
    for (const name of PRICES) elements[`max_price_${name}`].value = preferences.max_price?.[name] ?? "";
    for (const name of LISTS) this.#picked[name] = [...(preferences[name] ?? [])];
    this.#showLists();
    await this.providers.load();
    this.#showLists();
  }

  /** The preferences that the fields have. */
  get value() {
    const { elements } = this.form;
    const prices = PRICES.map((name) => [name, elements[`max_price_${name}`]]).filter(([, { validity }]) => validity.valid);
    return preferencesOf({
      provider: {
        ...this.#picked, sort: elements.sort.value, zdr: elements.zdr.checked,
        allow_fallbacks: elements.fallbacks.checked, max_price: Object.fromEntries(prices.map(([name, { value }]) => [name, value])),
      },
    });
  }

  /** A provider that is never used is in no other list. */
  #add(name, slug) {
    for (const other of LISTS) {
      if (other === name || other === "ignore" || name === "ignore") this.#picked[other] = this.#picked[other].filter((each) => each !== slug);
    }
    this.#picked[name].push(slug);
    this.#showLists();
    this.onchange();
  }

  #remove(name, slug) {
    this.#picked[name] = this.#picked[name].filter((each) => each !== slug);
    this.#showLists();
    this.#select(name).focus();
    this.onchange();
  }

  #showLists() {
    for (const name of LISTS) {
      const picked = this.#picked[name];
      const select = this.#select(name);
      const list = select.parentElement.querySelector("ul");
      list.hidden = !picked.length;
      list.replaceChildren(...picked.map((slug) => h("li.chip", {}, h("span.truncate", {}, this.providers.nameOf(slug)),
        h("button", { type: "button", aria: { label: `Remove ${this.providers.nameOf(slug)}` }, onclick: () => this.#remove(name, slug) }, icon("close")))));
      const others = [...this.providers.names].filter(([slug]) => !picked.includes(slug));
      select.replaceChildren(h("option", { value: "" }, this.providers.names.size ? "Add a provider…" : "Couldn't load the providers. Reload the page."),
        ...others.map(([value, text]) => h("option", { value }, text)));
      select.value = "";
    }
  }
}

/** Shows the preferences of the open chat beside the message box; `edit()` opens their fields. */
export function preferencesChip({ room, providers, edit }) {
  const chip = $("#provider-preferences");
  chip.addEventListener("click", edit);
  const show = async () => {
    const preferences = preferencesOf(room.conversation.params);
    chip.hidden = !Object.keys(preferences).length;
    if (chip.hidden) return;
    if (LISTS.some((name) => preferences[name])) await providers.load();
    const words = inWords(preferencesOf(room.conversation.params), providers.nameOf).join(" · ");
    chip.querySelector("span").textContent = words;
    chip.title = `Provider preferences of this chat: ${words}`;
    chip.setAttribute("aria-label", chip.title);
  };
  for (const name of ["opened", "settings"]) room.on(name, show);
}

/** Asks the site which models the preferences of the open chat leave without a provider, whenever they change. */
export function checkPreferences({ room, models, socket, answers }) {
  let asked = "";
  const check = () => {
    const preferences = preferencesOf(room.conversation?.params);
    const provider = JSON.stringify(preferences);
    if (provider === asked || socket.state !== "open") return;
    asked = provider;
    if (provider === "{}") models.setExcluded([]);
    else socket.check(preferences);
  };
  for (const name of ["opened", "settings"]) room.on(name, check);
  socket.on("state", () => {
    asked = "";
    check();
  });
  answers.on("unavailable", (frame) => asked !== "{}" && models.setExcluded(frame.models));
}
