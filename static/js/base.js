// Behavior that all pages share. Pages also work without it.

const iconElement = (name) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
};

// --- Toasts ---------------------------------------------------------------------------------------
// document.dispatchEvent(new CustomEvent("toast", {detail: {text, kind}})); kind: "ok", "warn", "bad" or none.
// An htmx response with the header `HX-Trigger: {"toast": {"text": ..., "kind": ...}}` does the same.

const ICONS = { ok: "ok", success: "ok", warn: "warning", warning: "warning", bad: "error", error: "error" };
const PERSISTENT = new Set(["bad", "error", "warn", "warning"]); // these stay until closed

function setUpToast(toast, kind) {
  const close = document.createElement("button");
  close.className = "btn quiet";
  close.type = "button";
  close.setAttribute("aria-label", "Close");
  close.append(iconElement("close"));
  const dismiss = () => {
    toast.classList.add("leaving");
    setTimeout(() => toast.remove(), 220);
  };
  close.addEventListener("click", dismiss);
  toast.append(close);
  if (PERSISTENT.has(kind)) return;
  let timer = setTimeout(dismiss, 6000);
  toast.addEventListener("pointerenter", () => clearTimeout(timer));
  toast.addEventListener("focusin", () => clearTimeout(timer));
  toast.addEventListener("pointerleave", () => { timer = setTimeout(dismiss, 3000); });
}

/** What a notice is about: its first sentence, whatever numbers and details in parentheses it has. */
const matterOf = (text = "") => text.split(". ")[0].replace(/\(.*?\)|\d+/g, "").replace(/\.$/, "");

document.addEventListener("toast", (event) => {
  const { text, kind = "" } = event.detail ?? {};
  const toasts = document.getElementById("toasts");
  if (!text || !toasts) return;
  const toast = document.createElement("div");
  toast.className = `toast ${ICONS[kind] ? kind : ""}`;
  const line = document.createElement("p");
  line.textContent = text;
  toast.append(iconElement(ICONS[kind] ?? "info"), line);
  // A notice of the same kind replaces the old one.
  for (const old of toasts.querySelectorAll(".toast:not(:has(.btn.small))")) if (matterOf(old.querySelector("p")?.textContent) === matterOf(text)) old.remove();
  toasts.append(toast);
  setUpToast(toast, kind);
});

for (const toast of document.querySelectorAll("#toasts > .toast")) setUpToast(toast, toast.classList[1]);

const showToast = (text, kind = "") => document.dispatchEvent(new CustomEvent("toast", { detail: { text, kind } }));

// --- Copying --------------------------------------------------------------------------------------
// data-copy="text" copies the text, data-copy="" the surrounding .code, data-copy-from="#id" that element's text.

async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  // Browsers offer no clipboard API on pages served over plain HTTP from another machine.
  const area = Object.assign(document.createElement("textarea"), { value: text, readOnly: true, className: "vh" });
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("refused");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy], [data-copy-from]");
  if (!button) return;
  const source = button.dataset.copyFrom ? document.querySelector(button.dataset.copyFrom) : null;
  const text = source ? (source.value ?? source.textContent)
    : button.dataset.copy || [...(button.closest(".code")?.querySelectorAll("pre") ?? [])].find((pre) => pre.checkVisibility())?.textContent || "";
  try {
    await copyText(text.trim());
  } catch {
    return showToast("Couldn't copy. Select the text and copy it manually.", "bad");
  }
  const use = button.querySelector("use");
  const label = button.querySelector("span:not(.vh)");
  const before = { icon: use?.getAttribute("href"), label: label?.textContent };
  if (button.dataset.copied) return;
  button.dataset.copied = "yes";
  use?.setAttribute("href", "#i-check");
  if (label) label.textContent = "Copied";
  announce("Copied");
  setTimeout(() => {
    delete button.dataset.copied;
    if (use) use.setAttribute("href", before.icon);
    if (label) label.textContent = before.label;
  }, 1600);
});

const live = Object.assign(document.createElement("div"), { className: "vh" });
live.setAttribute("role", "status");
document.body.append(live);
function announce(text) {
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = text; });
}

// --- Theme ----------------------------------------------------------------------------------------

function showTheme(theme) {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  document.querySelector("meta[name=color-scheme]").content = theme === "system" ? "light dark" : theme;
  for (const meta of document.querySelectorAll("meta[name=theme-color]")) {
    const shown = theme === "system" ? /light|dark/.exec(meta.media)[0] : theme;
    meta.content = shown === "dark" ? "#0e1014" : "#ffffff";
  }
  for (const item of document.querySelectorAll("[data-theme-menu] button")) {
    if (item.value === theme) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  }
  const icon = document.querySelector("[popovertarget=theme-menu] .icon");
  icon?.setAttribute("aria-label", `Theme: ${theme}`);
  icon?.firstElementChild.setAttribute("href", { light: "#i-sun", dark: "#i-moon", system: "#i-monitor" }[theme]);
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-theme-menu]")) return;
  event.preventDefault();
  const theme = event.submitter?.value ?? "system";
  const age = theme === "system" ? 0 : 31536000;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${theme}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
  showTheme(theme);
  event.target.hidePopover();
});

// --- The chat without a network ---------------------------------------------------------------------

// The page of the chat that the device keeps bears no theme: it is the same for all.
const chosenTheme = /(?:^|; )theme=(light|dark)(?:;|$)/.exec(document.cookie)?.[1];
if (chosenTheme && !document.documentElement.dataset.theme) showTheme(chosenTheme);

// Once the user has signed out or another one has signed in, the device no longer shows the chats of the last one without a network.
// Error pages are made without a session, so they have no such element.
const member = document.querySelector("meta[name=member]")?.content;
try {
  const noted = localStorage.getItem("chat-offline-user");
  if (noted !== null && member !== undefined && (!noted || member !== noted)) import("chat/device/offline").then(({ forget }) => forget(noted));
  // Some have chosen that their chats go too.
  for (const [place, state] of Object.entries(localStorage)) {
    const [, user] = /^chat-wipe:(.+)$/.exec(place) ?? [];
    if (user && state === "on" && member !== undefined && member !== user) wipeChats(user);
  }
} catch { /* storage is off */ }

async function wipeChats(user) {
  const { wipe } = await import("chat/device/wiping");
  await wipe(user);
  localStorage.setItem(`chat-wipe:${user}`, "done");
  showToast("Your chats were deleted from this device.", "ok");
}

document.addEventListener("submit", (event) => {
  if (!member || !event.target.matches("form[data-signs-out]")) return;
  try {
    if (localStorage.getItem(`chat-wipe:${member}`) !== "on") return;
  } catch {
    return; // storage is off
  }
  event.preventDefault();
  import("chat/device/wiping").then(({ askToSignOut }) => askToSignOut(event.target, member));
});

// --- Sign-in --------------------------------------------------------------------------------------

// A page that asks to sign in was redirected to with the fragment of the page that will follow, such as a chat. The
// server never sees it: without this, it would be lost.
if (location.hash && member === "") {
  for (const field of document.querySelectorAll("main input[name=next]")) if (!field.value.includes("#")) field.value += location.hash;
  for (const link of document.querySelectorAll("main a[href*='next=']")) if (!link.href.includes("%23")) link.href += encodeURIComponent(location.hash);
}

// --- Forms ----------------------------------------------------------------------------------------

// A second click on a slow button must not submit the form twice. The listener is on the window so that it runs
// after modules that handle the form themselves and call preventDefault().
window.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || "repeatable" in form.dataset) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  // Deferred until the browser has collected the form data, because it omits the value of a disabled button.
  setTimeout(() => event.submitter?.setAttribute("aria-busy", "true"));
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return; // only pages restored by the back button
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
  }
});

function showRevealButtons(root) {
  for (const button of root.querySelectorAll?.("[data-reveal][hidden]") ?? []) button.hidden = false;
}
showRevealButtons(document);
document.addEventListener("htmx:load", (event) => showRevealButtons(event.target));

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-reveal]");
  if (!button) return;
  const input = document.getElementById(button.dataset.reveal);
  const shown = input.type === "text";
  input.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!shown));
  button.querySelector("use").setAttribute("href", shown ? "#i-eye" : "#i-eye-off");
});

// --- Dialogs, menus, tabs -------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-open-dialog]");
  if (opener) {
    event.preventDefault();
    return document.getElementById(opener.dataset.openDialog)?.showModal();
  }
  if (event.target.closest?.("[data-close-dialog]")) return event.target.closest("dialog")?.close();
  // A click on the backdrop has the dialog itself as its target.
  if (event.target.matches?.("dialog.modal:not([data-keep-open])")) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside && event.detail > 0) event.target.close();
  }
});

// Fallback for browsers without anchor positioning: place the menu under its button.
if (!CSS.supports("position-area", "bottom")) {
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (event.newState !== "open" || !menu.matches?.(".menu[popover]")) return;
    const button = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);
    if (!button) return;
    const at = button.getBoundingClientRect();
    const below = at.bottom + 5 + menu.offsetHeight <= innerHeight;
    menu.style.top = `${below ? at.bottom + 5 : Math.max(8, at.top - 5 - menu.offsetHeight)}px`;
    menu.style.left = `${Math.min(Math.max(8, at.right - menu.offsetWidth), innerWidth - menu.offsetWidth - 8)}px`;
  }, true);
}

// <div role="tablist" data-tabs="name"> of buttons with aria-controls. Without this module all panels are visible.
// Tab lists with the same name select the same tab, on this page and on later ones.
function setUpTabs(list) {
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const memory = list.dataset.tabs && `tabs:${list.dataset.tabs}`;
  const select = (chosen, remember) => {
    for (const tab of tabs) {
      const on = tab === chosen;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !on;
    }
    if (!remember || !memory) return;
    try { localStorage.setItem(memory, chosen.dataset.tab); } catch { /* storage is off */ }
    document.dispatchEvent(new CustomEvent("tab", { detail: { memory, tab: chosen.dataset.tab, list } }));
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) select(tab, true);
  });
  list.addEventListener("keydown", (event) => {
    const here = tabs.indexOf(event.target.closest("[role=tab]"));
    const step = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (here < 0 || step === undefined) return;
    event.preventDefault();
    const tab = tabs[(step + tabs.length) % tabs.length];
    tab.focus();
    select(tab, true);
  });
  document.addEventListener("tab", ({ detail }) => {
    if (detail.memory !== memory || detail.list === list) return;
    const twin = tabs.find((tab) => tab.dataset.tab === detail.tab);
    if (twin) select(twin, false);
  });
  let remembered = null;
  try { remembered = memory && localStorage.getItem(memory); } catch { /* storage is off */ }
  select(tabs.find((tab) => tab.dataset.tab === remembered) ?? tabs[0], false);
  list.hidden = false;
}
const setUpHiddenTabs = (root) => root.querySelectorAll?.("[role=tablist][data-tabs][hidden]").forEach(setUpTabs);
setUpHiddenTabs(document);
document.addEventListener("htmx:load", (event) => setUpHiddenTabs(event.target));

// --- Keys -----------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
  // The page's own search box takes precedence over the one in the navigation.
  const box = document.querySelector("main [data-search]") ?? document.querySelector("[data-search]");
  if (!box?.checkVisibility()) return;
  event.preventDefault();
  box.focus();
  box.select();
});

// --- htmx -----------------------------------------------------------------------------------------

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = document.querySelector("meta[name=csrf-token]").content;
});

// A click is lost when its button is replaced between press and release: an unchanged answer replaces nothing.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!("swapIfChanged" in detail.target.dataset)) return;
  const answer = document.createElement("template");
  answer.innerHTML = detail.serverResponse;
  if (answer.innerHTML.trim() === detail.target.innerHTML.trim()) detail.shouldSwap = false;
});

const ERROR_TEXTS = {
  401: "You're signed out. Sign in and try again.",
  402: "Your credits don't cover this. Buy credits and try again.",
  403: "You don't have permission. If your session ended, reload and sign in.",
  404: "This no longer exists. Reload the page.",
  413: "This is too large to send. Make it smaller and try again.",
  429: "Too many requests. Wait a moment and try again.",
  503: "The site is temporarily unavailable. Try again in a few seconds.",
};
document.addEventListener("htmx:responseError", (event) => {
  showToast(ERROR_TEXTS[event.detail.xhr.status] ?? "Something went wrong on our side. Try again in a moment.", "bad");
});
document.addEventListener("htmx:sendError", () => showToast("No connection. Check your network and try again.", "bad"));

// --- Tabs -----------------------------------------------------------------------------------------
// Where tabs are wider than the window, the current one is in sight.

for (const tab of document.querySelectorAll(".tabs > [aria-current]")) {
  const [bar, own] = [tab.parentElement.getBoundingClientRect(), tab.getBoundingClientRect()];
  if (own.right > bar.right || own.left < bar.left) tab.parentElement.scrollLeft += own.left - bar.left - (bar.width - own.width) / 2;
}
