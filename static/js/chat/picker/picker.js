/* Model picker: a dialog with search, filters and favorites. */

import { $, h, icon } from "chat/dom";
import { colorOf, tokens } from "chat/picker/models";

const FILTERS = [["free", "Free"], ["image", "Image input"], ["file", "PDF input"], ["audio", "Audio input"], ["draws", "Image output"], ["reasoning", "Reasoning"]];
const KINDS = { image: ["image", "Image"], file: ["file", "PDF"], audio: ["audio", "Audio"], video: ["video", "Video"] };

export class Picker {
  #then = null;
  #filters = new Set();
  #rows = new Map();

  constructor(models, links) {
    this.models = models;
    this.links = links;
    this.dialog = $("#picker");
    this.search = $("#picker-search");
    this.list = $("#picker-list");
    this.count = $("#picker-count");
    $("#picker-filters").append(...FILTERS.map(([name, label]) =>
      h("button.chip", { type: "button", data: { filter: name }, aria: { pressed: "false" }, onclick: () => this.#toggle(name) }, label)));
    this.search.addEventListener("input", () => this.#show());
    this.dialog.addEventListener("keydown", (event) => this.#move(event));
    this.dialog.addEventListener("close", () => { this.#then = null; });
    models.on("changed", () => { this.#rows.clear(); this.#ifOpen(); });
    models.on("favorites", () => this.#stars());
    for (const name of ["availability", "unreachable"]) models.on(name, () => this.#ifOpen());
  }

  /** Opens the picker and calls `then(id)` with the chosen model. */
  open({ title = "Choose a model", then, free = false, chosen = [] }) {
    this.#then = then;
    this.#filters = new Set(free ? ["free"] : []);
    this.chosen = new Set(chosen);
    $("#picker-title").textContent = title;
    this.search.value = "";
    this.#show();
    this.dialog.showModal();
    this.search.focus();
    this.list.scrollTop = 0;
  }

  #ifOpen() {
    if (this.dialog.open) this.#show();
  }

  #toggle(name) {
    if (!this.#filters.delete(name)) this.#filters.add(name);
    this.#show();
  }

  #show() {
    for (const chip of $("#picker-filters").children) chip.setAttribute("aria-pressed", String(this.#filters.has(chip.dataset.filter)));
    const query = this.search.value.trim();
    const found = this.models.find(query, this.#filters);
    const sections = [];
    const rest = new Set(found);
    const take = (heading, models) => {
      if (!models.length) return;
      sections.push(h("section", {}, h("h3", {}, heading), h("ul", {}, models.map((model) => this.#row(model)))));
      for (const model of models) rest.delete(model);
    };
    if (!query) {
      take("Favorites", found.filter(({ id }) => this.models.favorites.has(id)));
      take("Recent", this.models.recent.map((id) => this.models.all.get(id)).filter((model) => rest.has(model)));
      take("Presets", found.filter((model) => model.preset && rest.has(model)));
    }
    const [open, excluded, blocked] = [[], [], []];
    for (const model of rest) (this.models.unavailable.has(model.id) ? blocked : this.models.excluded.has(model.id) ? excluded : open).push(model);
    take(query ? "Matches" : "All models", open);
    take("Excluded by this chat's provider preferences", excluded);
    take("Blocked by your privacy settings", blocked);
    if (blocked.length) {
      sections.push(h("p.explained", {}, "No provider of these models meets your privacy settings. ",
        h("a.link", { href: this.links.privacy }, "Edit privacy settings")));
    }
    this.list.replaceChildren(...sections);
    this.count.textContent = found.length === 1 ? "1 model" : `${found.length} models`;
    $("#picker-empty").hidden = found.length > 0;
    $("#picker-empty-text").textContent = this.models.all.size
      ? "No models found. Try a shorter search or remove a filter."
      : this.models.current
        ? "No models are available on this site yet. Its operator hasn't set up a provider."
        : "Couldn't load the models. Check your connection and reload the page.";
    for (const [id, row] of this.#rows) {
      row.classList.toggle("chosen", this.chosen.has(id));
      row.classList.toggle("blocked", this.models.isBlocked(id));
      row.querySelector(".reason").textContent = this.models.unavailable.has(id) ? (this.models.reasons[id] ?? "") : "";
    }
    this.#stars();
  }

  #row(model) {
    if (!this.#rows.has(model.id)) this.#rows.set(model.id, this.#newRow(model));
    return this.#rows.get(model.id);
  }

  #newRow(model) {
    const kinds = model.preset && !model.uses ? [] : model.input.filter((kind) => KINDS[kind]);
    const outputs = model.output.filter((kind) => kind !== "text");
    return h("li.option", { data: { id: model.id } },
      h("button.pick", { type: "button", onclick: () => this.#choose(model.id) },
        h(`span.ava.${colorOf(model.author)}`, { aria: { hidden: "true" } }, model.author.slice(0, 1)),
        h("span.what", {}, h("span.name", {}, model.name), h("span.mono", {}, model.id), h("span.reason")),
        h("span.facts", {},
          h("span.badges", {},
            model.free && h("span.chip.free", {}, "Free"),
            kinds.map((kind) => h("span.chip", { title: `${KINDS[kind][1]} input` }, icon(KINDS[kind][0], "small"), h("span.vh", {}, `${KINDS[kind][1]} input`))),
            outputs.map((kind) => h("span.chip.accent", {}, `${KINDS[kind]?.[1] ?? kind} output`)),
            model.parameters.includes("reasoning") && h("span.chip", { title: "Reasoning" }, icon("brain", "small"), h("span.vh", {}, "reasoning"))),
          h("span.num.price", {}, model.preset ? model.uses : model.free ? "" : `${model.prompt} in · ${model.completion} out /M`),
          h("span.num.context", {}, model.context ? [tokens(model.context), h("span.hide-sm", {}, " context")] : []))),
      h("button.star", { type: "button", aria: { pressed: "false", label: `Favorite ${model.name}` }, onclick: () => this.models.toggleFavorite(model.id) }, icon("star")));
  }

  #stars() {
    for (const [id, row] of this.#rows) row.querySelector(".star").setAttribute("aria-pressed", String(this.models.favorites.has(id)));
  }

  #choose(id) {
    const then = this.#then;
    this.dialog.close();
    then?.(id);
  }

  #move(event) {
    if (event.key === "Escape") {
      event.preventDefault(); // Esc in a search box would only clear it
      this.dialog.close();
      return;
    }
    if (event.key === "Enter" && event.target === this.search && !event.isComposing) {
      event.preventDefault();
      const first = this.list.querySelector(".option");
      if (first) this.#choose(first.dataset.id);
      return;
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const all = [...this.list.querySelectorAll(".pick")];
    const here = all.indexOf(event.target.closest(".option")?.querySelector(".pick"));
    const next = all[here + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) next.focus();
    else if (event.key === "ArrowUp") this.search.focus();
  }
}
