/* Keyboard shortcuts. Single-key shortcuts can be turned off, because speech input can trigger them by accident. */

import { $ } from "chat/dom";

export class Shortcuts {
  singleKeys = true;

  /** `acts` maps the names of shortcuts to functions. */
  constructor(acts) {
    this.acts = acts;
    this.dialog = $("#shortcuts");
    for (const button of document.querySelectorAll("[data-open-shortcuts]")) button.addEventListener("click", () => this.dialog.showModal());
    const apple = /Mac|iPhone|iPad/.test(navigator.platform);
    if (apple) for (const key of document.querySelectorAll("kbd.mod")) key.textContent = "⌘";
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    if (event.isComposing || event.defaultPrevented) return;
    const { acts } = this;
    const mod = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (document.querySelector("dialog[open]")) return;
    const run = (act) => {
      event.preventDefault();
      act();
    };
    if (mod && !event.shiftKey && key === "k") run(acts.chooseModel);
    else if (mod && event.shiftKey && key === "o") run(acts.startNew);
    else if (mod && event.shiftKey && key === "s") run(acts.toggleRail);
    else if (mod && event.shiftKey && key === "c" && !String(getSelection())) run(acts.copyAnswer);
    else if (mod && event.shiftKey && (key === ";" || key === ":")) run(acts.copyCode);
    else if (event.key === "Escape" && event.shiftKey) run(acts.focusComposer);
    else if (event.key === "Escape" && !document.querySelector(":popover-open")) acts.stop();
    else if (event.key === "?" && !mod && this.singleKeys && !event.target.closest?.("input, textarea, select")) run(() => this.dialog.showModal());
  }
}
