/* The choice to delete a user's chats from this device when they sign out or their session ends otherwise. It is kept on
   the device, because the page that learns of the end may be any page of the site, without a user. */

import { deleteDB, openDB } from "idb";

import { download, h } from "chat/dom";
import { forget } from "chat/device/offline";
import { Store } from "chat/device/store";
import { Unsaved } from "chat/device/unsaved";
import { toJson } from "chat/transfer/export";

/** With the user's ID, the place of the choice: "on" while there may be chats; "done" when base.js, which any page has,
    has deleted them. */
const PLACE = "chat-wipe:";

function remembered(use) {
  try {
    return use(localStorage);
  } catch {
    return null; // the browser blocks storage: there are no chats either
  }
}

/** Whether this device deletes the chats of `user`. */
export const wipes = (user) => remembered((storage) => storage.getItem(PLACE + user)) !== null;

/** Makes or withdraws the choice. */
export function setWipes(user, on) {
  remembered((storage) => (on ? storage.setItem(PLACE + user, "on") : storage.removeItem(PLACE + user)));
}

/** Notes, when `user` signs in, that the device may hold their chats again. */
export function arm(user) {
  if (wipes(user)) setWipes(user, true);
}

/** Deletes the chats of `user`, with drafts, files, settings and what shows them without a network. Every open chat of
    theirs closes its database and leaves. */
export async function wipe(user) {
  await forget(user);
  Unsaved.forget(user);
  const name = `chat-${user}`;
  // Emptied first: a page that is asleep may keep the database itself from being deleted.
  const database = await openDB(name);
  const stores = [...database.objectStoreNames];
  if (stores.length) {
    const transaction = database.transaction(stores, "readwrite");
    await Promise.all([...stores.map((store) => transaction.objectStore(store).clear()), transaction.done]);
  }
  database.close();
  await deleteDB(name);
}

/** Asks before a form signs out a user whose chats are deleted then, and offers an export. */
export function askToSignOut(form, user) {
  const dialog = h("dialog.modal", { aria: { label: "Sign out and delete your chats?" } });
  const close = () => dialog.close();
  dialog.append(
    h("header", {}, h("h2", {}, "Sign out and delete your chats?")),
    h("div.body", {}, h("p.muted", {}, "You chose to delete the chats on this device when you sign out. They can't be recovered. Export them first to keep a copy.")),
    h("footer", {},
      h("button.btn", { type: "button", onclick: close }, "Cancel"),
      h("button.btn", { type: "button", onclick: () => exportAll(user) }, "Export all chats"),
      h("button.btn.primary.danger", { type: "button", onclick: () => { close(); form.submit(); } }, "Sign out and delete")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

async function exportAll(user) {
  const store = await Store.open(user);
  const conversations = (await store.conversations()).sort((a, b) => a.created - b.created);
  download(`chats-${new Date().toISOString().slice(0, 10)}.json`, await toJson(store, conversations));
  store.close();
}
