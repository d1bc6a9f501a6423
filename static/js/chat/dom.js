/* DOM helpers: elements, toasts, screen reader announcements, dialogs, copy and download. */

/** An element: `h("a.btn", {href, onclick, data: {id}, aria: {label}}, ...children)`. Strings become text, not HTML. */
export function h(selector, attributes = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "data") Object.assign(element.dataset, value);
    else if (name === "aria") for (const [key, text] of Object.entries(value)) element.setAttribute(`aria-${key}`, text);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** An icon from the page's sprite. */
export function icon(name, extra = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${extra}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** An icon button with an accessible label. */
export function iconButton(name, label, onclick, selector = "button.ico") {
  return h(selector, { type: "button", title: label, aria: { label }, onclick }, icon(name));
}

export const $ = (selector, root = document) => root.querySelector(selector);

/** Shows a toast; `undo` adds a button that calls it. */
export function toast(text, kind = "", undo = null) {
  if (!undo) {
    document.dispatchEvent(new CustomEvent("toast", { detail: { text, kind } }));
    return;
  }
  const note = h("div.toast", {}, h("p", {}, text));
  const button = h("button.btn.small", { type: "button" }, "Undo");
  const close = () => note.remove();
  button.addEventListener("click", () => { close(); undo(); });
  note.append(button);
  ($(".toasts") ?? document.body).append(note);
  setTimeout(close, 9000);
}

/** Announces text to screen readers. */
export function announce(text) {
  $("#chat-status").textContent = text;
}

/** Opens a dialog; resolves to the entered text (true without an input), or null on cancel. */
export function ask({ title, text, action, value = null, danger = false }) {
  return new Promise((resolve) => {
    const input = value === null ? null : h("input.input", { name: "value", value, maxLength: 200, aria: { label: title } });
    const dialog = h("dialog.modal", { aria: { label: title } });
    const form = h("form", { method: "dialog" },
      h("header", {}, h("h2", {}, title)),
      h("div.body", {}, text && h("p.muted", {}, text), input),
      h("footer", {},
        h("button.btn", { type: "button", onclick: () => dialog.close() }, "Cancel"),
        h(`button.btn.primary${danger ? ".danger" : ""}`, { value: "yes" }, action)));
    dialog.append(form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes" ? (input ? input.value.trim() : true) : null);
    });
    document.body.append(dialog);
    dialog.showModal();
    input?.select();
  });
}

/** Copies text, also on pages without HTTPS. */
export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea.vh", { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  announce("Copied");
  if (!button) return;
  const before = [...button.childNodes];
  button.replaceChildren(icon("check"), ...(before.length > 1 ? ["Copied"] : []));
  setTimeout(() => button.replaceChildren(...before), 1500);
}

/** Downloads a blob as a file. */
export function download(name, blob) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
