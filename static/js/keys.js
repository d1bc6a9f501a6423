// Forms for keys open in one dialog, filled by htmx. Without this module their links are pages.

const dialog = document.getElementById("key-dialog");
const secretShown = () => dialog.querySelector("[data-secret-shown]");

if (dialog) {
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target !== dialog) return;
    // A secret is shown once: a slip of the hand must not close it.
    dialog.toggleAttribute("data-keep-open", Boolean(secretShown()));
    if (!dialog.open) dialog.showModal();
  });
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.target === dialog) dialog.querySelector("[aria-invalid=true]")?.focus();
  });
  dialog.addEventListener("cancel", (event) => {
    if (secretShown()) event.preventDefault();
  });
  dialog.addEventListener("close", () => {
    const leave = secretShown() && dialog.querySelector("footer a");
    dialog.replaceChildren();
    if (leave) location.assign(leave.href); // the list does not show the new key yet
  });
}
