// Live updates of the activity dashboard and the logs: loads the page again whenever live-socket.js says that it has
// changed, and changes only what differs, so that scroll position, focus, open details and tooltips stay. Without the
// socket it looks every 10 seconds.

const POLL_SECONDS = 10;
const POLL_SECONDS_CONNECTED = 60; // a hint may be lost
const SHORTEST_PAUSE = 1000; // between two loads, in milliseconds

const live = document.querySelector("[data-live]");
const results = () => document.getElementById("results");

// --- Changing only what differs -------------------------------------------------------------------

// A row of the list is its request.
const keyOf = (node) => node.id || (node.localName === "tr" && node.querySelector("th a")?.getAttribute("href")) || "";
// What the reader or a script has set on an element, and the server does not know.
const isTransient = (name) => name === "on" || name.startsWith("htmx-");
const isKept = (element, name) => name === "open" || (name === "aria-current" && "generation" in element.dataset);
const inUse = (figure) => figure.matches(":has(.tip:not([hidden]))") || figure.contains(document.activeElement);

function patchAttributes(old, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (isKept(old, name)) continue;
    const transient = name === "class" ? [...old.classList].filter(isTransient) : [];
    const text = [value, ...transient].join(" ");
    if (old.getAttribute(name) !== text) old.setAttribute(name, text);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "class" && !isKept(old, name)) old.removeAttribute(name);
  }
}

/** Makes `old` equal to `fresh`. False if a part that is in use was left as it is. */
function patch(old, fresh) {
  if (old.isEqualNode(fresh)) return true;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return true;
  }
  const figure = old.localName === "section" && old.querySelector("[data-bars]");
  if (figure && inUse(figure)) return false;
  if (old.localName === "select" && old === document.activeElement) return true; // its list may be open
  if (old.matches("[data-bars]")) {
    old.replaceWith(document.importNode(fresh, true)); // its tooltips are set up anew
    return true;
  }
  patchAttributes(old, fresh);
  return patchChildren(old, fresh);
}

function patchChildren(old, fresh) {
  const known = new Map([...old.childNodes].map((node) => [keyOf(node), node]));
  known.delete("");
  const wanted = new Set([...fresh.childNodes].map(keyOf));
  for (const [key, node] of known) if (!wanted.has(key)) node.remove();
  let at = old.firstChild;
  let complete = true;
  for (const next of [...fresh.childNodes]) {
    let match = known.get(keyOf(next));
    if (!match) {
      match = at;
      while (match && keyOf(match)) match = match.nextSibling;
      if (keyOf(next)) match = null;
    }
    if (match?.nodeName !== next.nodeName) {
      old.insertBefore(document.importNode(next, true), at);
      continue;
    }
    if (match === at) at = at.nextSibling;
    else old.insertBefore(match, at);
    complete = patch(match, next) && complete;
  }
  while (at) {
    const rest = at.nextSibling;
    at.remove();
    at = rest;
  }
  return complete;
}

/** Shows the fresh results in place of the current ones, without a jump of the page. */
function show(fresh) {
  const old = results();
  const focused = document.activeElement;
  const figures = [...old.querySelectorAll("[data-bars]")];
  // Of a list that is scrolled past its head, the first visible row stays where it is.
  const list = old.querySelector("table.requests");
  const row = list?.getBoundingClientRect().top < 0 && [...list.tBodies[0].rows].find((each) => each.getBoundingClientRect().top >= 0);
  const top = row && row.getBoundingClientRect().top;
  const root = document.documentElement;
  root.style.overflowAnchor = "none"; // the browser's own correction would be added to ours
  const stamp = old.dataset.stamp;
  const complete = patch(old, fresh);
  if (row?.isConnected) scrollBy({ top: row.getBoundingClientRect().top - top, behavior: "instant" });
  requestAnimationFrame(() => root.style.removeProperty("overflow-anchor"));
  if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  htmx.process(old);
  setUpCharts(old, figures);
  if (!complete) {
    old.dataset.stamp = stamp; // so that the rest is loaded again
    setTimeout(refresh, 2 * SHORTEST_PAUSE);
  }
  document.dispatchEvent(new CustomEvent("live:updated"));
}

/** Lets activity.js set up all charts if one of them is new. The others must not be set up twice. */
function setUpCharts(root, before) {
  const now = [...root.querySelectorAll("[data-bars]")];
  if (now.every((figure) => before.includes(figure))) return;
  for (const figure of now) if (before.includes(figure)) figure.replaceWith(figure.cloneNode(true));
  htmx.trigger(root, "htmx:load", { elt: root });
}

// --- New requests, while something else is read ---------------------------------------------------

const offer = Object.assign(document.createElement("div"), { className: "live-offer" });
offer.setAttribute("role", "status");

function isOlderPage() {
  const here = new URLSearchParams(location.search);
  return here.has("before") || here.has("after");
}

function isSelecting() {
  const selection = getSelection();
  return !selection.isCollapsed && selection.rangeCount > 0 && selection.getRangeAt(0).intersectsNode(results());
}

/** Offers the requests of the newest page that this page does not show and that are younger than it. */
function offerNew(fresh) {
  const rows = (root) => [...root.querySelectorAll("table.requests tbody tr")];
  const shown = new Set(rows(results()).map(keyOf));
  // Rows tell their time to the second.
  const since = isOlderPage() ? Math.floor(Date.parse(results().querySelector("[data-at]")?.dataset.at) / 1000) * 1000 : -Infinity;
  const newest = rows(fresh);
  const count = newest.filter((row) => !shown.has(keyOf(row)) && Date.parse(row.querySelector("time").dateTime) >= since).length;
  if (!count) return;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn" });
  button.textContent = `${count < newest.length ? count : `${count}+`} new ${count === 1 ? "request" : "requests"}`;
  button.addEventListener("click", showNewest);
  offer.replaceChildren(button);
}

function showNewest() {
  offer.replaceChildren();
  getSelection().removeAllRanges();
  if (!isOlderPage()) return refresh();
  const newest = [...results().querySelectorAll(".pager a[hx-get]")].find((link) => !/[?&](before|after)=/.test(link.href));
  if (newest) newest.click();
  else location.assign(newestPage());
}

function newestPage() {
  const here = new URL(location.href);
  for (const name of ["before", "after", "generation"]) here.searchParams.delete(name);
  here.hash = "";
  return here;
}

// --- Loading --------------------------------------------------------------------------------------

let loading = false;
let again = false;
let lastLoad = -Infinity;
let connected = false;
let offered = ""; // the stamp of the last offer

/** Loads the page if it has changed, soon; once more if it is already being loaded. */
async function refresh() {
  if (!live.checked || document.hidden) return; // a page that is seen again is loaded then
  if (loading) {
    again = true;
    return;
  }
  loading = true;
  await new Promise((resolve) => setTimeout(resolve, lastLoad + SHORTEST_PAUSE - performance.now()));
  lastLoad = performance.now();
  try {
    await load();
  } catch { /* no connection: the next one looks again */ }
  loading = false;
  if (again) {
    again = false;
    refresh();
  }
}

async function load() {
  if (!live.checked) return; // switched off during the pause
  const old = results();
  const address = location.href;
  const url = newestPage();
  const offers = old && (isOlderPage() || isSelecting());
  url.searchParams.set("since", (offers && offered) || old?.dataset.stamp || "");
  const response = await fetch(url);
  if (response.status === 204 || !response.ok) return;
  if (response.redirected) return location.reload(); // signed out
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById("results");
  const organization = page.querySelector("[data-live]")?.dataset.organization;
  if (organization !== live.dataset.organization || (fresh && !old)) return location.reload();
  // Another view was chosen meanwhile, or no live one.
  if (!live.checked || !fresh || results() !== old || location.href.split("#")[0] !== address.split("#")[0] || old.matches(".htmx-request")) return;
  if (isOlderPage() || isSelecting()) {
    offered = fresh.dataset.stamp;
    offerNew(fresh);
  } else {
    offered = "";
    offer.replaceChildren();
    show(fresh);
  }
}

function setUp() {
  offered = "";
  offer.replaceChildren();
  results()?.before(offer);
}

if (live) {
  if (results()) live.closest("label").hidden = false;
  setUp();
  live.addEventListener("change", (event) => {
    event.stopPropagation(); // the switch is not a filter
    refresh();
  });
  document.addEventListener("htmx:load", ({ detail }) => detail.elt === results() && !offer.nextElementSibling?.matches("#results") && setUp());
  document.addEventListener("htmx:afterSwap", ({ detail }) => detail.target.id === "results" && setUp());
  document.addEventListener("live:connection", ({ detail }) => { connected = detail; });
  document.addEventListener("live:changed", refresh);
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("selectionchange", () => offered && !isOlderPage() && !isSelecting() && refresh());
  setInterval(() => {
    const pause = connected ? POLL_SECONDS_CONNECTED : POLL_SECONDS;
    if (performance.now() - lastLoad >= pause * 1000) refresh();
  }, POLL_SECONDS * 1000);
}
