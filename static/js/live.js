// Live updates of the activity dashboard and the logs.

const REFRESH_SECONDS = 10;
const live = document.querySelector("[data-live]");

async function refresh() {
  const results = document.getElementById("results");
  const here = new URL(location.href);
  // Skip while the tab is hidden, an older page is open, text is selected, or the results have focus.
  if (!live.checked || document.hidden || !results || here.searchParams.has("before") || here.searchParams.has("after")) return;
  if (!getSelection().isCollapsed || results.matches(".htmx-request") || results.contains(document.activeElement) || results.matches(":has(.tip:not([hidden]))")) return;
  here.searchParams.set("since", results.dataset.stamp);
  here.hash = "";
  await htmx.ajax("GET", here.pathname + here.search, { target: "#results", select: "#results", swap: "outerHTML" });
}

if (live) {
  live.closest("label").hidden = false;
  live.addEventListener("change", (event) => event.stopPropagation()); // the switch is not a filter
  setInterval(refresh, REFRESH_SECONDS * 1000);
  document.addEventListener("visibilitychange", refresh);
}
