/* Faults beside the fields that they are about, and which fields the model doesn't support. */

/** `notes` is from the server: {errors: by field, messages: by index, unsupported: fields}. */
export function showNotes(form, { errors, messages, unsupported }) {
  for (const place of form.querySelectorAll("[data-field]")) {
    const { field } = place.dataset;
    showError(place.querySelector(".field"), document.getElementById(`id_${field}`), errors[field]);
    const note = place.querySelector(".unsupported");
    if (note) note.hidden = !unsupported.includes(field);
    if (errors[field]) place.closest("details")?.setAttribute("open", "");
  }
  form.querySelectorAll("[data-message]").forEach((item, at) => {
    const error = item.querySelector(".error");
    error.textContent = messages[at] ?? "";
    error.hidden = !messages[at];
  });
}

function showError(field, control, text) {
  let error = field.querySelector(".error");
  if (!text) {
    error?.remove();
    control.removeAttribute("aria-invalid");
    describe(control, `${control.id}_error`, false);
    return;
  }
  if (!error) {
    error = document.createElement("div");
    error.className = "error";
    error.id = `${control.id}_error`;
    field.append(error);
  }
  error.textContent = text;
  control.setAttribute("aria-invalid", "true");
  describe(control, error.id, true);
}

/** Adds an ID to what describes the control, or removes it. */
function describe(control, id, on) {
  const others = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((each) => each && each !== id);
  const all = on ? [...others, id] : others;
  if (all.length) control.setAttribute("aria-describedby", all.join(" "));
  else control.removeAttribute("aria-describedby");
}
