// Logs: a request opens beside the list, and its address names it.

const drawer = document.getElementById("drawer");
const content = document.getElementById("drawer-content");
const rows = () => [...document.querySelectorAll("[data-generation]")];
const current = () => document.querySelector("[data-generation][aria-current]");

function mark(id) {
  for (const link of rows()) {
    if (link.dataset.generation === id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

// The request that is open is part of the address, so that the view can be shared.
function address(id) {
  const here = new URL(location.href);
  if (id) here.searchParams.set("generation", id);
  else here.searchParams.delete("generation");
  history.replaceState(history.state, "", here);
}

function show(id, page) {
  mark(id);
  address(id);
  drawer.querySelector("[data-drawer-page]").href = page;
  showSteps();
  if (!drawer.open) drawer.showModal();
  content.scrollTop = 0;
}

function showSteps() {
  for (const button of drawer.querySelectorAll("[data-step]")) button.disabled = !neighbor(Number(button.dataset.step));
}

function neighbor(step) {
  const links = rows();
  const at = links.indexOf(current());
  return at < 0 ? undefined : links[at + step];
}

function fetchRequest(id) {
  const path = `/activity/${encodeURIComponent(id)}`;
  return htmx.ajax("GET", path, { target: "#drawer-content", select: "#request" }).then(() => {
    if (content.querySelector("#request")) show(id, path);
    else address("");
  });
}

// A moment that was typed anew replaces the exact one that the field stood for.
document.addEventListener("input", ({ target }) => {
  if (target.dataset.moment) document.getElementById(target.dataset.moment).value = "";
});

if (drawer) {
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    const link = detail.requestConfig?.elt;
    if (detail.target === content && link?.dataset.generation) show(link.dataset.generation, link.href);
  });
  drawer.addEventListener("click", (event) => {
    const step = event.target.closest("[data-step]");
    if (step) neighbor(Number(step.dataset.step))?.click();
    if (event.target === drawer) drawer.close();
  });
  drawer.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, k: -1, ArrowDown: 1, j: 1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("pre, .tablewrap")) return;
    event.preventDefault();
    neighbor(step)?.click();
  });
  drawer.addEventListener("close", () => {
    address("");
    current()?.focus();
  });
  const openAsked = () => {
    const asked = new URL(location.href).searchParams.get("generation");
    if (asked && !drawer.open) fetchRequest(asked);
  };
  document.addEventListener("live:updated", () => drawer.open && showSteps());
  document.addEventListener("htmx:pushedIntoHistory", openAsked); // a request was found by its ID
  openAsked();
}
