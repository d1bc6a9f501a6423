/* The items of the list of attachments: files, and those that are still being read. */

import { h, icon } from "chat/dom";
import { shownName } from "chat/files/names";
import { fileView } from "chat/thread/file-view";

/** A file with a button that removes it. A PDF with text can be sent as that to every model: `changed()` says so. */
export function attachedItem(file, { remove, changed }) {
  if (file.kind === "pdf" && file.text) return h("li.pdf", {}, fileView(file), asText(file, changed), removeButton(file.name, remove));
  return h("li", {}, fileView(file), removeButton(file.name, remove));
}

function asText(file, changed) {
  const label = h("label.chip.as-text", { title: "Send the text of this PDF, without its images, also to models that take PDFs" });
  const box = h("input", { type: "checkbox", checked: file.as_text === true, aria: { label: `Send ${file.name} as text` } });
  box.addEventListener("change", () => {
    file.as_text = box.checked;
    changed();
    document.querySelector(`#attachments [aria-label="Send ${CSS.escape(file.name)} as text"]`)?.focus();
  });
  label.append(box, "As text");
  return label;
}

/** A file that is being read. */
export function pendingItem(file, cancel) {
  const name = shownName(file.name, "pasted");
  return h("li", {}, h("span.chip", { role: "status" }, h("span.spinner", { aria: { hidden: "true" } }), h("span.truncate", {}, `Reading ${name}`)), removeButton(name, cancel));
}

const removeButton = (name, onclick) => h("button.remove", { type: "button", aria: { label: `Remove ${name}` }, onclick }, icon("close", "small"));
