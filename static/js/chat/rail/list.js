/* Views of the sidebar's list: pinned chats, then folders, then the other chats by date; while searching, what was found. */

import { groupOf } from "chat/dates";
import { h, icon } from "chat/dom";

const nameOf = ({ title }) => title || "New chat";

/**
 * The elements of the list. `chats` and `folders` are in their order, `query` is the search, `excerpts` a Map of chat id
 * to {excerpt}, `current` the id of the open chat, `busy` the ids of chats with running answers.
 */
export function listView({ chats, folders, query, excerpts, current, busy }) {
  const names = new Map(folders.map(({ id, name }) => [id, name]));
  const rows = (shown) => shown.map((chat) => row(chat, {
    current: chat.id === current,
    busy: chat.id !== current && busy.has(chat.id),
    about: query ? [names.get(chat.folder), excerpts.get(chat.id)?.excerpt].filter(Boolean).join(" · ") : "",
  }));
  const group = (name, shown) => (shown.length ? [h("h2", {}, name), h("ul", {}, rows(shown))] : []);
  const pinned = chats.filter((chat) => chat.pinned);
  const others = chats.filter((chat) => !chat.pinned);
  if (query) {
    if (!chats.length) return [h("p.none", {}, `No chats match “${query}”.`)];
    return [...group("Pinned", pinned), ...group("Found", others)];
  }
  if (!chats.length && !folders.length) return [h("p.none", {}, "No chats yet. They're saved only on this device.")];
  const dates = Map.groupBy(others.filter(({ folder }) => !names.has(folder)), ({ updated }) => groupOf(updated));
  return [
    ...group("Pinned", pinned),
    ...folders.map((folder) => folderView(folder, {
      rows: rows(others.filter((chat) => chat.folder === folder.id)),
      isCurrent: others.some((chat) => chat.folder === folder.id && chat.id === current),
      isPinned: pinned.some((chat) => chat.folder === folder.id),
    })),
    ...[...dates].flatMap(([name, shown]) => group(name, shown)),
  ];
}

function folderView({ id, name, collapsed }, { rows, isCurrent, isPinned }) {
  const count = `${rows.length} ${rows.length === 1 ? "chat" : "chats"}`;
  const list = `folder-${id}`;
  return h(`section.folder${isCurrent ? ".current" : ""}`, { data: { folder: id }, aria: { label: name } },
    h("div.folder-head", {},
      h("h2", {}, h("button.fold", { type: "button", aria: { expanded: String(!collapsed), controls: list }, data: { fold: "" } },
        icon("chevron-down", "small"), icon("folder", "small"), h("span.truncate", {}, name), h("span.num", { aria: { label: count } }, String(rows.length)))),
      dots(`Options for folder ${name}`)),
    h("div.folder-body", { id: list, hidden: collapsed },
      rows.length ? h("ul", {}, rows) : h("p.none", {}, isPinned ? "Its chats are pinned above." : "Empty. Drag a chat here, or use “Move to folder” in its menu.")));
}

function row(chat, { current, busy, about }) {
  const name = nameOf(chat);
  return h(`li.conv${current ? ".current" : ""}`, { data: { id: chat.id }, draggable: true },
    h("a", { href: `#${chat.id}`, ...(current ? { aria: { current: "page" } } : {}) },
      h("span.truncate", {}, chat.pinned && icon("pin", "small"), name), busy && h("span.busy", {}, h("span.vh", {}, "answering")), about && h("small.truncate", {}, about)),
    dots(`Options for ${name}`));
}

const dots = (label) => h("button.dots", { type: "button", aria: { label, haspopup: "menu" }, data: { menu: "" } }, icon("dots"));
