// Models browser and model page: counts that follow the filters, and code highlighting.

// --- Counts -----------------------------------------------------------------------------------------
// htmx replaces only the results, so that the sidebar keeps focus and scroll position. The results carry the counts.

function showCounts(results) {
  const counts = JSON.parse(results.dataset.counts);
  for (const input of document.querySelectorAll("#facets input[data-facet]")) {
    const { facet } = input.dataset;
    const value = input.value || { context: "0", max_price: "any", max_age_days: "any", output_modalities: "text" }[facet];
    // Missing from the counts: options that no model has (0), and a custom step in the URL, which all results match.
    const own = input.type === "radio" && input.checked;
    const count = counts[facet]?.[value] ?? (own ? parseInt(results.dataset.found, 10) : 0);
    const label = input.closest("label");
    const shown = label.querySelector(".count");
    if (shown.textContent === String(count)) continue; // most of them, which then need no new layout
    shown.textContent = count;
    label.classList.toggle("none", count === 0);
  }
  for (const found of document.querySelectorAll("[data-found]:not(#results)")) found.textContent = results.dataset.found;
  document.getElementById("feed").href = results.dataset.feed;
}

// htmx sends two events for each element that it replaces, of which no one here hears: so it finds none.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id === "results" && detail.shouldSwap) detail.target.replaceChildren();
});

document.addEventListener("htmx:afterSettle", (event) => {
  const results = document.getElementById("results");
  if (results?.dataset.counts && event.detail.target?.id === "results") showCounts(results);
  if (results) showCompared();
});

// --- Compare ----------------------------------------------------------------------------------------
// The bar below the results has the chosen models, also those that the filters hide. The address names them.

const bar = document.getElementById("compare-bar");
const chosen = () => (bar.dataset.chosen ? bar.dataset.chosen.split(",") : []);

function choose(ids) {
  bar.dataset.chosen = ids.join(",");
  const link = bar.querySelector("[data-compare]");
  link.href = `${link.pathname}?models=${bar.dataset.chosen}`;
  bar.querySelector("[data-summary]").textContent = `${ids.length} of ${bar.dataset.most} models to compare`;
  showCompared();
  nameInAddress();
  nameInLinks();
}

function nameInAddress() {
  const address = withCompared(location.href);
  if (address !== location.href) history.replaceState(history.state, "", address);
}

function nameInLinks() {
  for (const each of document.querySelectorAll('#browser a[href^="?"]:not([data-clear])')) {
    each.setAttribute("href", withCompared(each.href).replace(/^[^?]*/, "") || "?");
  }
}

// The address of the same list with the models that are chosen now.
function withCompared(href) {
  const url = new URL(href);
  const kept = url.search.slice(1).split("&").filter((pair) => pair && !pair.startsWith("compare="));
  if (bar.dataset.chosen) kept.push(`compare=${bar.dataset.chosen}`);
  url.search = kept.join("&");
  return url.href;
}

function showCompared() {
  if (!bar) return;
  const ids = chosen();
  bar.hidden = !ids.length;
  for (const hidden of bar.querySelectorAll("input")) hidden.remove();
  const shown = new Set();
  for (const box of document.querySelectorAll('#results input[name="compare"]')) {
    box.checked = ids.includes(box.value);
    box.disabled = !box.checked && ids.length >= Number(bar.dataset.most);
    shown.add(box.value);
  }
  for (const id of ids.filter((each) => !shown.has(each))) {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name: "compare", value: id });
    bar.append(input);
  }
}

if (bar) {
  // A list may have been asked for before the last choice.
  document.addEventListener("htmx:pushedIntoHistory", nameInAddress);
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.target?.id === "results") nameInLinks();
  });
  // Before the form hears of it, which would load the list again.
  document.addEventListener("change", (event) => {
    if (event.target.name !== "compare") return;
    event.stopPropagation();
    const others = chosen().filter((each) => each !== event.target.value);
    choose(event.target.checked ? [...others, event.target.value] : others);
  }, true);
  bar.querySelector("[data-clear]").addEventListener("click", (event) => {
    event.preventDefault();
    choose([]);
    document.getElementById("q").focus();
  });
  showCompared();
}

// --- Code -------------------------------------------------------------------------------------------
// A sample is colored when it comes into view: most readers never see those of the other tabs.

const inView = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    inView.unobserve(target);
    import("request-builder/code").then(({ colorCode }) => colorCode(target));
  }
}, { rootMargin: "25%" });
for (const code of document.querySelectorAll("pre:has(code[data-language])")) inView.observe(code);
