// Preferences: fill in the time zone that the browser reports, and open Manage Account in a dialog. Without this module
// its link opens a page.

const row = document.querySelector("[data-browser-zone]");
const input = row && document.getElementById(row.dataset.browserZone);
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

if (input && zone) {
  const show = () => { row.hidden = (input.value || input.placeholder) === zone; };
  row.querySelector("span").textContent = zone;
  row.querySelector("button").addEventListener("click", () => {
    input.value = zone;
    input.focus(); // before the button goes
    show();
  });
  input.addEventListener("input", show);
  show();
}

const dialog = document.getElementById("manage-dialog");

if (dialog) {
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target === dialog && !dialog.open) dialog.showModal();
  });
  dialog.addEventListener("close", () => dialog.replaceChildren());
}
