/* Keyboard shortcuts. Single-key shortcuts can be turned off, because speech input can trigger them by accident. */

import { $ } from "chat/dom";

export class Shortcuts {
  singleKeys = true;

  /** `actions` maps the names of shortcuts to functions. */
  constructor(actions) {
    this.actions = actions;
    this.dialog = $("#shortcuts");
    for (const button of document.querySelectorAll("[data-open-shortcuts]")) button.addEventListener("click", () => this.dialog.showModal());
    const apple = /Mac|iPhone|iPad/.test(navigator.platform);
    if (apple) for (const key of document.querySelectorAll("kbd.mod")) key.textContent = "⌘";
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    if (event.isComposing || event.defaultPrevented) return;
    const { actions } = this;
    const mod = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (document.querySelector("dialog[open]")) return;
    const run = (act) => {
      event.preventDefault();
      act();
    };
    if (mod && !event.shiftKey && key === "k") run(actions.chooseModel);
    else if (mod && event.shiftKey && key === "o") run(actions.startNew);
    else if (mod && event.shiftKey && key === "e") run(actions.toggleTemporary);
    else if (mod && event.shiftKey && key === "s") run(actions.toggleRail);
    else if (mod && event.shiftKey && key === "c" && !String(getSelection())) run(actions.copyAnswer);
    else if (mod && event.shiftKey && (key === ";" || key === ":")) run(actions.copyCode);
    else if (event.key === "Escape" && event.shiftKey) run(actions.focusComposer);
    else if (event.key === "Escape" && !document.querySelector(":popover-open")) actions.stop();
    else if (event.key === "?" && !mod && this.singleKeys && !event.target.closest?.("input, textarea, select")) run(() => this.dialog.showModal());
  }
}
