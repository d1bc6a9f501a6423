// The live socket of the activity dashboard and the logs. It only says that something has changed: live.js listens for
// the events `live:changed` and `live:connection` (detail: whether it is open) and loads the page's content again.

const SIGNED_OUT = 4401;
const TOO_MANY = 4429;
const MAX_RETRY_DELAY = 30_000;
const PING_INTERVAL = 25_000;
const PONG_TIMEOUT = 10_000;

const live = document.querySelector("[data-live]");
const url = new URL("/ws/activity", location.href.replace(/^http/, "ws"));
const timers = {};
let socket = null;
let attempts = 0;
let refusals = 0; // by 4401, one after another

const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`live:${name}`, { detail }));

function connect() {
  clearTimeout(timers.retry);
  if (socket || !live.checked) return;
  const opened = new WebSocket(url);
  socket = opened;
  opened.onmessage = ({ data }) => {
    schedulePing();
    const frame = JSON.parse(data);
    if (frame.type === "ready") ready(frame);
    else if (frame.type === "changed") tell("changed");
  };
  opened.onclose = ({ code }) => socket === opened && closed(code);
}

function ready({ organization }) {
  // Another organization was chosen in another tab, or the membership has ended: this page shows what is no longer meant.
  if (organization !== live.dataset.organization) return location.reload();
  attempts = refusals = 0;
  tell("connection", true);
  tell("changed"); // perhaps, before the socket was open
}

function closed(code) {
  socket = null;
  clearTimeout(timers.ping);
  clearTimeout(timers.pong);
  tell("connection", false);
  if (!live.checked) return;
  if (code === SIGNED_OUT) {
    // The session may only have been renewed: the next handshake sends the new cookie.
    refusals += 1;
    if (refusals > 1) return location.reload();
    timers.retry = setTimeout(connect, 0);
    return;
  }
  const delay = code === TOO_MANY ? MAX_RETRY_DELAY : Math.min(MAX_RETRY_DELAY, 500 * 2 ** attempts);
  attempts += 1;
  timers.retry = setTimeout(connect, delay * (0.5 + Math.random()));
}

function schedulePing() {
  // Networks drop idle connections without notice: send pings and require a reply.
  clearTimeout(timers.ping);
  clearTimeout(timers.pong);
  timers.ping = setTimeout(() => {
    if (socket?.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
    timers.pong = setTimeout(disconnect, PONG_TIMEOUT);
  }, PING_INTERVAL);
}

/** Closes the socket; the browser may take a minute to notice that the connection is gone. */
function disconnect() {
  const old = socket;
  if (!old) return;
  old.onclose = old.onmessage = null;
  old.close();
  closed(1006);
}

function connectNow() {
  attempts = Math.min(attempts, 1);
  connect();
}

if (live) {
  live.addEventListener("change", () => (live.checked ? connectNow() : disconnect()));
  window.addEventListener("online", connectNow);
  window.addEventListener("offline", disconnect);
  window.addEventListener("pageshow", (event) => event.persisted && connectNow());
  document.addEventListener("visibilitychange", () => document.hidden || connectNow());
  connect();
}
