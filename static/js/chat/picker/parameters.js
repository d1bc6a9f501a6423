/* Parameters dialog: a conversation's system prompt and sampling parameters. Empty fields are not sent, so the
   provider's default applies. */

import { $, h } from "chat/dom";
import { NUMBERS } from "chat/answers/request";
import { PRICES } from "chat/picker/preferences";
import { ProviderFields } from "chat/picker/providers";

const SAVE_PAUSE = 300;

/** "Enter a number from 0 to 2." */
function allowed({ min, max, step }) {
  const kind = step === "1" ? "a whole number" : "a number";
  const range = max ? ` from ${min} to ${max}` : min ? ` of at least ${min}` : "";
  return `Enter ${kind}${range}.`;
}

export class Parameters {
  #timer = 0;

  constructor({ room, models, providers }) {
    Object.assign(this, { room, models });
    this.dialog = $("#parameters");
    this.form = $("#parameters-form");
    this.button = $("#open-parameters");
    this.button.addEventListener("click", () => this.open());
    this.providers = new ProviderFields({ form: this.form, providers, onchange: () => this.#save() });
    this.form.addEventListener("input", (event) => {
      this.#pair(event.target);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#save(), SAVE_PAUSE);
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.dialog.addEventListener("close", () => this.#save());
    $("#reset-parameters").addEventListener("click", () => {
      this.form.reset();
      for (const range of this.form.querySelectorAll("[data-for]")) range.value = range.dataset.middle;
      this.providers.show({});
      this.#save();
    });
    for (const name of ["opened", "settings"]) room.on(name, () => this.#showCount());
  }

  /** Opens the fields of the provider preferences. */
  openProviders() {
    this.open();
    const fields = $("#provider-fields");
    fields.open = true;
    fields.scrollIntoView();
    fields.querySelector("summary").focus();
  }

  /** Opens the dialog, at the field of this name if one is given. */
  open(field = null) {
    const { system = "", params = {} } = this.room.conversation;
    const { elements } = this.form;
    elements.system.value = system;
    for (const name of NUMBERS) {
      elements[name].value = params[name] ?? "";
      this.#pair(elements[name]);
    }
    elements.stop.value = (params.stop ?? []).join("\n");
    elements.effort.value = params.effort ?? "";
    this.providers.show(params);
    this.#showSupport();
    this.dialog.showModal();
    if (field) elements[field].focus();
  }

  /** Keeps a slider and its number field in sync. */
  #pair(field) {
    if (field.dataset.for) this.form.elements[field.dataset.for].value = field.value;
    else {
      const range = this.form.querySelector(`[data-for="${field.name}"]`);
      if (range) range.value = field.value === "" ? range.dataset.middle : field.value;
    }
  }

  #save() {
    clearTimeout(this.#timer);
    const { elements } = this.form;
    const params = {};
    for (const name of NUMBERS) {
      const field = elements[name];
      if (field.value !== "" && field.validity.valid) params[name] = field.valueAsNumber;
      this.#showProblem(field);
    }
    const stop = elements.stop.value.split("\n").filter(Boolean).slice(0, 4);
    if (stop.length) params.stop = stop;
    if (elements.effort.value) params.effort = elements.effort.value;
    for (const name of PRICES) this.#showProblem(elements[`max_price_${name}`]);
    const provider = this.providers.value;
    if (Object.keys(provider).length) params.provider = provider;
    this.room.change({ system: elements.system.value, params });
  }

  #showProblem(field) {
    const { valid } = field.validity;
    const known = document.getElementById(`${field.id}-error`);
    field.setAttribute("aria-invalid", String(!valid));
    if (valid) {
      known?.remove();
      field.removeAttribute("aria-describedby");
    } else if (!known) {
      field.closest(".field").append(h("div.error", { id: `${field.id}-error`, role: "alert" }, `${allowed(field)} It isn't used.`));
      field.setAttribute("aria-describedby", `${field.id}-error`);
    }
  }

  #showCount() {
    const { system, params } = this.room.conversation;
    const count = Object.keys(params ?? {}).length + (system?.trim() ? 1 : 0);
    const badge = this.button.querySelector(".count");
    badge.hidden = !count;
    badge.textContent = count;
    this.button.setAttribute("aria-label", count ? `Parameters, ${count} set` : "Parameters");
  }

  /** Marks fields that a chosen model does not support. */
  #showSupport() {
    const chosen = this.room.conversation.models.map((id) => this.models.get(id));
    $("#p-preset").hidden = !chosen.some(({ preset }) => preset);
    const models = chosen.filter(({ parameters }) => parameters.length);
    for (const help of this.form.querySelectorAll("[data-support]")) {
      const names = help.dataset.support.split(" ");
      const without = models.filter(({ parameters }) => !names.some((name) => parameters.includes(name)));
      help.hidden = !without.length;
      help.textContent = without.length ? `Not used by ${without.map(({ short }) => short).join(", ")}.` : "";
    }
  }
}
