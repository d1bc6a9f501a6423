// The live socket of the activity dashboard and the logs. It only says that something has changed: live.js listens for
// the events `live:changed` and `live:connection` (detail: whether it is open) and loads the page's content again.

import { Connection } from "connection";

const MAX_RETRY_DELAY = 30_000;

const live = document.querySelector("[data-live]");

const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`live:${name}`, { detail }));

function changed(state) {
  if (state === "signed-out") return location.reload();
  tell("connection", state === "open");
  if (state === "open") tell("changed"); // perhaps, before the socket was open
}

if (live) {
  const connection = new Connection(new URL("/ws/activity", location.href.replace(/^http/, "ws")), {
    maxDelay: MAX_RETRY_DELAY,
    // Another organization was chosen in another tab, or the membership has ended: this page shows what is no longer
    // meant.
    ready: ({ organization }) => {
      if (organization === live.dataset.organization) return;
      connection.close();
      location.reload();
    },
    frame: ({ type }) => type === "changed" && tell("changed"),
    changed,
  });
  live.addEventListener("change", () => (live.checked ? connection.open() : connection.close()));
  if (live.checked) connection.open();
}
