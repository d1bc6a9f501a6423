/* The messages of the conversation: added, removed and moved without a request for the page. */

/** `form` returns the form, which changes with the API. */
export function setUpMessages(form) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("#messages button[name=act]");
    if (!button) return;
    event.preventDefault();
    const list = document.querySelector("#messages ol");
    const item = button.closest("[data-message]");
    const [act] = button.value.split(":");
    let focus = button;
    if (act === "add") focus = add(list);
    else if (act === "remove") focus = remove(list, item);
    else if (act === "up") item.previousElementSibling?.before(item);
    else item.nextElementSibling?.after(item);
    number(list);
    if (focus.disabled) focus = item.querySelector("button:not(:disabled)");
    focus.focus();
    form().dispatchEvent(new Event("change", { bubbles: true }));
  });
}

function add(list) {
  const last = list.lastElementChild;
  const item = last.cloneNode(true);
  clear(item);
  item.querySelector("select").value = last.querySelector("select").value === "user" ? "assistant" : "user";
  list.append(item);
  return item.querySelector("textarea");
}

function remove(list, item) {
  if (list.children.length === 1) {
    clear(item);
    return item.querySelector("textarea");
  }
  const next = item.nextElementSibling ?? item.previousElementSibling;
  item.remove();
  return next.querySelector("textarea");
}

function clear(item) {
  for (const control of item.querySelectorAll("textarea, input")) control.value = "";
  item.querySelector(".error").hidden = true;
}

/** Gives each message the numbers of its place. */
function number(list) {
  [...list.children].forEach((item, at) => {
    for (const control of item.querySelectorAll("[aria-label]")) control.setAttribute("aria-label", control.getAttribute("aria-label").replace(/\d+/, at + 1));
    for (const button of item.querySelectorAll("button")) {
      button.value = button.value.replace(/\d+/, at);
      const label = button.querySelector(".vh");
      label.textContent = label.textContent.replace(/\d+/, at + 1);
    }
    item.querySelector("[value^=up]").disabled = at === 0;
    item.querySelector("[value^=down]").disabled = at === list.children.length - 1;
  });
}
