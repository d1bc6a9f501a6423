// Preferences: fill in the time zone that the browser reports.

const row = document.querySelector("[data-browser-zone]");
const input = row && document.getElementById(row.dataset.browserZone);
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

if (input && zone) {
  const show = () => { row.hidden = input.value === zone; };
  row.querySelector("span").textContent = zone;
  row.querySelector("button").addEventListener("click", () => {
    input.value = zone;
    input.focus(); // before the button goes
    show();
  });
  input.addEventListener("input", show);
  show();
}
