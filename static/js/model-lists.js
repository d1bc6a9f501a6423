// Adds a model or an author (`author/*`) that the browser suggests to a list of models. Without this module the lists
// are edited by hand.

for (const finder of document.querySelectorAll("[data-adds-models]")) {
  const input = finder.querySelector("input");
  const status = finder.querySelector("[role=status]");
  const buttons = [...finder.querySelectorAll("[data-adds-to]")];

  const add = (button) => {
    const entry = input.value.trim().toLowerCase();
    const list = document.getElementById(button.dataset.addsTo);
    const entries = list.value.split(/[\s,]+/).filter(Boolean);
    if (entry && !entries.includes(entry)) list.value = [...entries, entry].join("\n");
    status.textContent = entry && `${list.labels[0].firstChild.textContent.trim()}: ${entry}`;
    input.value = "";
    input.focus();
  };
  for (const button of buttons) button.addEventListener("click", () => add(button));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // the form is not saved
    add(buttons[0]);
  });
  finder.hidden = false;
}
