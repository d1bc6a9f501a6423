// Key forms open in one dialog that htmx fills. Without this module their links open pages.

const dialog = document.getElementById("key-dialog");
const secretShown = () => dialog.querySelector("[data-secret-shown]");

if (dialog) {
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target !== dialog) return;
    // The secret is shown only once, so an accidental click or Esc must not close it.
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
    if (leave) location.assign(leave.href); // reload, because the list does not show the new key yet
  });
}
