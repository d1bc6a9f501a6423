/* Files as they are shown: images, which open large, audio with its player, and names. */

import { download, h, icon, iconButton } from "chat/dom";

const urls = new WeakMap();

/** The URL of a blob: one for as long as the page lives, since players load when they are used. */
export function urlOf(blob) {
  if (!urls.has(blob)) urls.set(blob, URL.createObjectURL(blob));
  return urls.get(blob);
}

/** An attached file: an image, a player, or a chip with its name. */
export function fileView(file) {
  if (file.kind === "image") return imageButton(file, file.name);
  if (file.kind === "audio") {
    return h("span.audio", {}, h("span.chip", { title: file.name }, icon("audio"), h("span.truncate", {}, file.name)),
      h("audio", { controls: true, preload: "metadata", src: urlOf(file.blob), aria: { label: file.name } }));
  }
  const note = file.kind === "pdf" && file.as_text ? " (as text)" : "";
  return h("span.chip", { title: file.name }, icon("file"), h("span.truncate", {}, `${file.name}${note}`));
}

/** An image that opens large when it is pressed. */
export function imageButton(file, alt) {
  return h("button.picture", { type: "button", title: "Open image", aria: { label: `Open image: ${alt}` }, onclick: () => openImage(file, alt) },
    h("img", { alt, src: urlOf(file.blob) }));
}

/** Shows an image as large as the window, with a button to save it. */
function openImage(file, alt) {
  const dialog = h("dialog.modal.viewer", { aria: { label: alt } },
    h("header", {}, h("h2.truncate", {}, alt), iconButton("download", "Download image", () => download(file.name, file.blob), "button.btn.quiet"),
      iconButton("close", "Close", () => dialog.close(), "button.btn.quiet")),
    h("img", { alt, src: urlOf(file.blob) }));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
