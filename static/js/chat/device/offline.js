/* What the device keeps to show the chat without a network: a service worker with a page that names no user, a note of
   the user whose chats that page shows, and in the user's own database what the picker needs. Signing out removes the
   first two; the chats stay, as they do without this. */

import { h, icon } from "chat/dom";

/** Also read by base.js, on every page. */
const NOTE = "chat-offline-user";
const WORKER = "/chat-worker.js";
/** The chat's page, which is all that the worker controls. */
export const PAGE = "/chat";
const HOUR = 3_600_000;

/** The ID of the user whose chats this device shows without a network; null after a sign-out, "" during it. */
export function notedUser() {
  try {
    return localStorage.getItem(NOTE);
  } catch {
    return null; // the browser blocks storage
  }
}

/** Forgets `user`, unless another user has been noted since. */
export async function forget(user) {
  if (notedUser() !== user) return;
  localStorage.setItem(NOTE, ""); // no chats are shown from now on; if this page is left, the next one goes on
  const registration = await navigator.serviceWorker?.getRegistration(PAGE);
  await registration?.unregister();
  const names = (await globalThis.caches?.keys()) ?? [];
  await Promise.all(names.filter((name) => name.startsWith("chat-")).map((name) => caches.delete(name)));
  if (notedUser() === "") localStorage.removeItem(NOTE);
}

/** Prepares the device, on a page that the site has delivered. Does nothing without HTTPS, where there is no worker. */
export async function prepare(user) {
  if (!navigator.serviceWorker) return;
  try {
    const registration = await navigator.serviceWorker.register(WORKER, { scope: PAGE });
    localStorage.setItem(NOTE, user);
    registration.waiting?.postMessage("take-over"); // this page is already of its release
    registration.addEventListener("updatefound", () => announce(registration));
    let looked = Date.now();
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible" || Date.now() - looked < HOUR) return;
      looked = Date.now();
      registration.update().catch(() => {}); // no network: another time
    });
  } catch {
    // The chat works without it: the browser blocks storage, or a file could not be loaded.
  }
}

/** Says so when the version that is being installed is ready. The very first one replaces nothing. */
function announce(registration) {
  const { installing, active } = registration;
  if (!installing || !active) return;
  installing.addEventListener("statechange", () => {
    if (installing.state === "installed") notice("A new version is ready.");
  });
}

/** A quiet notice that offers to reload; one at a time. */
export function notice(text) {
  document.querySelector(".toast.reload")?.remove();
  const reload = h("button.btn.small", { type: "button", onclick: () => location.reload() }, "Reload");
  const close = h("button.btn.quiet", { type: "button", aria: { label: "Close" }, onclick: () => toast.remove() }, icon("close"));
  const toast = h("div.toast.reload", {}, icon("info"), h("p", {}, text), reload, close);
  document.getElementById("toasts").append(toast);
}
