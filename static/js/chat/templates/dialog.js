/* Dialogs of prompt templates: one to create, edit and delete them, one that asks for the variables of a template. */

import { $, h, iconButton } from "chat/dom";
import { filled, variablesOf } from "chat/templates/templates";

export class TemplatesDialog {
  #edited = null; // the template in the form; {} for a new one
  #deleted = null; // the last one, which can be brought back

  constructor(templates) {
    this.templates = templates;
    this.dialog = $("#templates");
    this.list = $("#template-list");
    this.form = $("#template-form");
    for (const button of document.querySelectorAll("[data-open-templates]")) {
      button.addEventListener("click", () => {
        button.closest("dialog")?.close();
        this.open();
      });
    }
    $("#new-template").addEventListener("click", () => this.#edit({}));
    $("#cancel-template").addEventListener("click", () => this.#edit(null));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    this.dialog.addEventListener("cancel", (event) => {
      if (!this.#edited) return;
      event.preventDefault(); // Esc leaves the form first
      this.#edit(null);
    });
    templates.on("changed", () => this.dialog.open && this.#show());
  }

  open() {
    this.#deleted = null;
    this.dialog.showModal();
    this.#edit(null);
  }

  /** Shows the form with a template, or the list. */
  #edit(template) {
    const before = this.#edited;
    this.#edited = template;
    this.form.hidden = !template;
    $("#template-overview").hidden = Boolean(template);
    $("#templates-title").textContent = !template ? "Prompt templates" : template.id ? "Edit template" : "New template";
    if (!template) {
      this.#show();
      (this.list.querySelector(`[data-id="${CSS.escape(before?.id ?? "")}"] button`) ?? $("#new-template")).focus();
      return;
    }
    const { elements } = this.form;
    elements.name.value = template.name ?? "";
    elements.text.value = template.text ?? "";
    elements.name.focus();
  }

  async #save() {
    const { elements } = this.form;
    const [name, text] = [elements.name.value.trim(), elements.text.value.trim()];
    for (const [field, value] of [[elements.name, name], [elements.text, text]]) {
      if (value) continue;
      field.value = "";
      field.reportValidity();
      return;
    }
    await this.templates.save({ ...this.#edited, name, text });
    this.#edit(null);
  }

  #show() {
    const { all } = this.templates;
    const deleted = this.#deleted && h("li.deleted", {}, h("p", { role: "status" }, `“${this.#deleted.name}” deleted.`),
      h("button.btn.small", { type: "button", onclick: () => this.#restore() }, "Undo"));
    this.list.replaceChildren(...all.map((template) => this.#row(template)), ...(deleted ? [deleted] : []));
    $("#no-templates").hidden = all.length > 0 || Boolean(deleted);
  }

  #row(template) {
    const { id, name, text } = template;
    return h("li", { data: { id } },
      h("div.what", {}, h("strong.truncate", {}, name), h("small.truncate.muted", { dir: "auto" }, text.replace(/\s+/g, " "))),
      iconButton("edit", `Edit ${name}`, () => this.#edit(template)),
      iconButton("trash", `Delete ${name}`, () => this.#remove(template)));
  }

  async #remove(template) {
    this.#deleted = template;
    await this.templates.remove(template);
    this.list.querySelector(".deleted button")?.focus();
  }

  async #restore() {
    const template = this.#deleted;
    this.#deleted = null;
    await this.templates.save(template);
    this.list.querySelector(`[data-id="${CSS.escape(template.id)}"] button`)?.focus();
  }
}

/** Asks for a template's variables; resolves to its text with them, or null on cancel. */
export function fill({ name, text }) {
  const variables = variablesOf(text);
  if (!variables.length) return Promise.resolve(text);
  return new Promise((resolve) => {
    const fields = variables.map((variable, at) => h("div.field", {}, h("label", { for: `variable-${at}` }, variable),
      h("textarea.input", { id: `variable-${at}`, rows: 1, dir: "auto" })));
    const form = h("form", { method: "dialog", autocomplete: "off" },
      h("header", {}, h("h2", {}, name)),
      h("div.body", {}, fields),
      h("footer", {}, h("button.btn", { type: "button", onclick: () => dialog.close() }, "Cancel"), h("button.btn.primary", { value: "yes" }, "Insert")));
    const dialog = h("dialog.modal.variables", { aria: { label: `Fill in ${name}` } }, form);
    const areas = [...form.querySelectorAll("textarea")];
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || !areas.includes(event.target)) return;
      event.preventDefault();
      const next = areas[areas.indexOf(event.target) + 1];
      if (next) next.focus();
      else form.requestSubmit(form.querySelector(".primary"));
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      const values = new Map(variables.map((variable, at) => [variable, areas[at].value]));
      resolve(dialog.returnValue === "yes" ? filled(text, values) : null);
    });
    document.body.append(dialog);
    dialog.showModal();
    areas[0].focus();
  });
}
