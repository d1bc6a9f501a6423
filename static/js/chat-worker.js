/* The chat's service worker: shows the chat page without a network. It controls that page only, whose scope it has.

   The server puts `const RELEASE = {version, page, shell, files, hashed}` before this text (pages/offline.py). What it
   keeps is the same for every user: a page without an account, and static files. It keeps no answer of the site's API
   and no page of a user, and a page that the site can deliver always comes from the site. */

const CACHE = `chat-${RELEASE.version}`;
const KEPT = new Set(RELEASE.files);
const PATIENCE = 10_000; // how long the site may take to begin its page
const DOWN = new Set([502, 503, 504]);

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(removeOld()));

// A new version waits until a page that came from the new release asks for it: pages of the old one need its files.
self.addEventListener("message", ({ data }) => data === "take-over" && self.skipWaiting());

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && pathname === RELEASE.page) event.respondWith(page(request));
  else if (KEPT.has(pathname)) event.respondWith(file(request));
});

async function keep() {
  const cache = await caches.open(CACHE);
  // A hashed file may come from the browser's own cache, and anything else from the site.
  await cache.addAll(RELEASE.files.map((url) => new Request(url, { cache: RELEASE.hashed ? "default" : "reload" })));
  await cache.add(new Request(RELEASE.shell, { cache: "reload", credentials: "omit" }));
}

async function removeOld() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("chat-") && name !== CACHE).map((name) => caches.delete(name)));
}

/** The site's page, or the shell while the site can't be reached. */
async function page(request) {
  const shell = async () => (await caches.match(RELEASE.shell, { cacheName: CACHE, ignoreVary: true })) ?? null;
  const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE); }).then(shell);
  const answer = fetch(request);
  try {
    const first = (await Promise.race([answer, late])) ?? (await answer);
    return DOWN.has(first.status) ? (await shell()) ?? first : first;
  } catch {
    return (await shell()) ?? Response.error();
  }
}

/** A static file: the kept one if it can't be old, else the site's. */
async function file(request) {
  const kept = () => caches.match(request, { cacheName: CACHE, ignoreVary: true });
  if (RELEASE.hashed) return (await kept()) ?? fetch(request);
  try {
    const answer = await fetch(request);
    return DOWN.has(answer.status) ? (await kept()) ?? answer : answer;
  } catch {
    return (await kept()) ?? Response.error();
  }
}
