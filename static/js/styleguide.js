for (const button of document.querySelectorAll("[data-example-toast]")) {
  const kind = button.dataset.exampleToast;
  const text = kind === "ok" ? "Saved." : "Couldn't save: this name is taken. Choose another one.";
  button.addEventListener("click", () => document.dispatchEvent(new CustomEvent("toast", { detail: { text, kind } })));
}
