/* Entry point of the chat page: creates and connects its parts. */

import { Answers } from "chat/answers/answers";
import { Balance } from "chat/balance";
import { Composer } from "chat/composer/composer";
import { $, copy, icon, toast } from "chat/dom";
import { Estimate } from "chat/composer/estimate";
import { FullNotice } from "chat/device/full";
import { Heading } from "chat/heading";
import { Models } from "chat/picker/models";
import { PAGE, forget, notedUser, notice, prepare } from "chat/device/offline";
import { Parameters } from "chat/picker/parameters";
import { Providers, checkPreferences, preferencesChip } from "chat/picker/providers";
import { Picker } from "chat/picker/picker";
import { Rail } from "chat/rail/rail";
import { Room } from "chat/room";
import { Shortcuts } from "chat/shortcuts";
import { Socket } from "chat/answers/socket";
import { Storage } from "chat/device/storage";
import { Store } from "chat/device/store";
import { Slash } from "chat/templates/slash";
import { Tabs } from "chat/device/tabs";
import { Templates } from "chat/templates/templates";
import { TemplatesDialog } from "chat/templates/dialog";
import { Temporary } from "chat/temporary";
import { Thread } from "chat/thread/thread";
import { arm, wipe, wipes } from "chat/device/wiping";
import { welcome } from "chat/welcome";

const setup = JSON.parse($("#chat-setup").textContent);
const wide = matchMedia("(min-width: 52.01rem)");

// The page that the device keeps for when the site can't be reached names no user.
const offline = setup.user === null;
if (offline) setup.user = notedUser();
if (!setup.user) {
  location.replace(`${setup.links.sign_in}?next=${encodeURIComponent(PAGE)}`);
  await new Promise(() => {}); // no user, no chats
}

const store = await Store.open(setup.user);
if (offline) Object.assign(setup, await store.meta("setup", {}));
else store.setMeta("setup", { default_model: setup.default_model, presets: setup.presets });
if (!offline) arm(setup.user);
store.on("deleted", () => location.replace(`${setup.links.sign_in}?next=${encodeURIComponent(PAGE)}`));
const tabs = new Tabs(setup.user);
const socket = new Socket(new URL("/ws/chat", location.href.replace(/^http/, "ws")), setup.user);
const answers = new Answers(socket, store, tabs, { bytes: setup.request_bytes, text: setup.request_size });
const models = new Models(store, setup);
const room = new Room({ store, answers, models, tabs, maxModels: setup.most_models });
const picker = new Picker(models, setup.links);
const pick = (options) => picker.open(options);
const providers = new Providers(store);
const parameters = new Parameters({ room, models, providers });
const editProviders = () => parameters.openProviders();
const places = {
  get: (id) => store.meta(`place:${id}`),
  set: (id, place) => !store.temporary.has(id) && store.setMeta(`place:${id}`, place),
};
const thread = new Thread({ room, models, answers, places, pick, empty, editProviders, feedback: setup.feedback });
const composer = new Composer({ room, store, models, setup, thread, socket, editProviders });
const temporary = new Temporary({ room, store, answers, composer, startNew });
const heading = new Heading({ room, models, picker });
preferencesChip({ room, providers, edit: editProviders });
checkPreferences({ room, models, socket, answers });
const templates = new Templates(store, tabs);
const templatesDialog = new TemplatesDialog(templates);
new Slash({
  composer,
  templates,
  commands: [
    { name: "new", label: "Start a new chat", icon: "edit", run: () => startNew() },
    { name: "temporary", label: "Start a chat that isn't saved", icon: "eye-off", run: () => temporary.toggle() },
    { name: "model", label: "Choose a model", icon: "cube", run: () => heading.choose(0) },
    { name: "system", label: "Edit the system prompt", icon: "filter", run: () => parameters.open("system") },
    { name: "templates", label: "Create and edit prompt templates", icon: "book", run: () => templatesDialog.open() },
  ],
});
const balance = new Balance({ room, answers, user: setup.user, refilled: setup.auto_top_up });
new Estimate({ room, models, composer, balance, rule: setup.estimate });
new FullNotice({ store, user: setup.user });
const storage = new Storage({
  user: setup.user, store, room, models, tabs, answers, startNew, onsettings, ontemplates: () => templates.load(),
});
const rail = new Rail({ room, store, tabs, answers, open, startNew, save: (kind, conversation) => storage.save(kind, conversation) });
const shortcuts = new Shortcuts({
  chooseModel: () => heading.choose(0),
  startNew: () => startNew(),
  toggleTemporary: () => temporary.toggle(),
  toggleRail,
  copyAnswer: () => room.lastAnswer?.text && copy(room.lastAnswer.text).then(() => toast("Last answer copied.")),
  copyCode: () => {
    const code = [...document.querySelectorAll("#thread .code code")].at(-1);
    if (code) copy(code.textContent).then(() => toast("Last code block copied."));
  },
  focusComposer: () => composer.focus(),
  stop: () => (room.busy ? room.stop() : thread.reader.stop()),
});

function empty() {
  return welcome({
    room, models, logged: setup.logged, write: (text) => composer.write(text), use: (id) => room.change({ models: [id] }), toggleTemporary: () => temporary.toggle(),
  });
}

function onsettings({ enterSends, singleKeys }) {
  composer.enterSends = enterSends;
  shortcuts.singleKeys = singleKeys;
}

// --- Navigation between conversations -------------------------------------------------------------

/** Models of a new chat: those of the last chat that still exist, else the default. */
async function firstModels() {
  const last = await store.meta("last-models", []);
  const known = (ids) => ids.filter((id) => models.all.has(id));
  if (known(last).length) return known(last);
  if (models.all.has(setup.default_model) || !models.all.size) return [setup.default_model];
  return [models.find("")[0].id];
}

/** `kind` is {temporary} or {folder} of the new chat. */
async function startNew(kind = {}) {
  composer.saveDraft();
  temporary.leave();
  room.startNew(await firstModels(), kind);
  rail.close();
  if (location.hash) history.pushState(null, "", location.pathname);
  composer.focus();
}

/** Opens a stored chat, at the message that a search has found. */
async function open(id, hit = null) {
  composer.saveDraft();
  temporary.leave();
  if (await room.open(id)) {
    if (location.hash.slice(1) !== id) history.pushState(null, "", `#${id}`);
    composer.focus();
    if (hit) {
      room.showBranch(hit.message);
      thread.reveal(hit.message, hit.words);
    }
  } else {
    toast("This chat isn't on this device.", "warn");
    await startNew();
  }
}

room.on("list", () => {
  // A new chat gets its URL with the first message.
  if (room.saved && location.hash.slice(1) !== room.conversation.id) history.replaceState(null, "", `#${room.conversation.id}`);
  if (room.saved) storage.requestPersistence();
});
room.on("settings", () => store.setMeta("last-models", room.conversation.models));
room.on("settings", () => !room.messages.size && room.emit("turns")); // the welcome screen names the models
room.on("list", () => storage.showUsage());
answers.on("ended", () => storage.showUsage());
window.addEventListener("popstate", () => {
  const id = location.hash.slice(1);
  if (id && id !== room.conversation.id) open(id);
  else if (!id && room.saved) startNew();
});
tabs.on("removed", (id) => {
  room.emit("list");
  if (id === room.conversation.id || (id === null && !room.temporary)) startNew();
});
$("#new-chat").addEventListener("click", () => startNew());
$("#new-chat-small").addEventListener("click", () => startNew());

function toggleRail() {
  if (!wide.matches) return $("#rail").togglePopover();
  const hidden = $("#chat").classList.toggle("without-rail");
  $("#toggle-rail").setAttribute("aria-expanded", String(!hidden));
  return store.setMeta("rail", !hidden);
}
$("#toggle-rail").addEventListener("click", toggleRail);

// --- Connection -----------------------------------------------------------------------------------

const CONNECTION_NOTICES = {
  broken: ["warning", "Disconnected. Messages will send when you reconnect."],
  "signed-out": ["lock", "You're signed out. Your chats and your draft are still here. "],
  "other-user": ["lock", "Another account is signed in now. Reload the page to see its chats. "],
};

function connectionNotice(state) {
  if (state === "full") return ["warning", socket.refusal];
  if (!offline || (state !== "connecting" && state !== "broken")) return CONNECTION_NOTICES[state] ?? [];
  const why = navigator.onLine ? "The site can't be reached." : "You're offline.";
  return ["warning", `${why} You can read your chats. Messages will send when you reconnect. Your balance and new models need a connection, too.`];
}

function showConnection(state) {
  const [name, text] = connectionNotice(state);
  const notice = $("#connection");
  notice.hidden = !text;
  if (!text) return;
  notice.replaceChildren(icon(name, "small"), text);
  if (!socket.ended) return;
  const link = document.createElement("a");
  link.className = "link";
  link.href = state === "signed-out" ? `${setup.links.sign_in}?next=${encodeURIComponent(location.pathname + location.hash)}` : location.href;
  link.textContent = state === "signed-out" ? "Sign in" : "Reload";
  notice.append(link);
}

socket.on("state", showConnection);
socket.on("state", (state) => {
  if (socket.ended) (wipes(setup.user) ? wipe : forget)(setup.user);
  if (offline && state === "open") notice("You're connected again.");
});
if (offline) for (const name of ["online", "offline"]) window.addEventListener(name, () => showConnection(socket.state));
socket.on("state", (state) => state === "open" && answers.requestMissingBills());
answers.on("ready", ({ unavailable, reasons }) => models.setUnavailable(unavailable, reasons));
answers.on("refused", ({ message }) => toast(message, "bad"));
$("#use-free").addEventListener("click", () => pick({ title: "Choose a free model", free: true, then: (id) => room.change({ models: [id] }) }));

// --- Start ----------------------------------------------------------------------------------------

if ((await store.meta("rail", true)) === false) toggleRail();
await storage.load();
await templates.load();
await models.load();
const asked = location.hash.slice(1);
if (setup.models.length) {
  room.startNew(setup.models);
  if (setup.models.length > room.maxModels) toast(`Up to ${room.maxModels} models can answer side by side. The first ${room.maxModels} are chosen.`, "warn");
  history.replaceState(null, "", location.pathname); // so that a reload does not start another chat
} else if (!asked || !(await room.open(asked))) {
  room.startNew(await firstModels());
  if (asked) toast("This chat isn't on this device.", "warn");
}
if (store.kind === "memory") toast("Your browser blocks storage. Chats disappear when you close this page.", "warn");
showConnection(socket.state);
composer.focus();
$("#chat").dataset.ready = "";
if (!offline && store.kind === "browser") prepare(setup.user);
