// Models browser and model page: counts that follow the filters, and code highlighting.

// --- Counts -----------------------------------------------------------------------------------------
// htmx replaces only the results, so that the sidebar keeps focus and scroll position. The results carry the counts.

function showCounts(results) {
  const counts = JSON.parse(results.dataset.counts);
  for (const input of document.querySelectorAll("#facets input[data-facet]")) {
    const { facet } = input.dataset;
    const value = input.value || { context: "0", max_price: "any", output_modalities: "text" }[facet];
    // Missing from the counts: options that no model has (0), and a custom step in the URL, which all results match.
    const own = input.type === "radio" && input.checked;
    const count = counts[facet]?.[value] ?? (own ? parseInt(results.dataset.found, 10) : 0);
    const label = input.closest("label");
    label.querySelector(".count").textContent = count;
    label.classList.toggle("none", count === 0);
  }
  for (const found of document.querySelectorAll("[data-found]:not(#results)")) found.textContent = results.dataset.found;
  document.getElementById("feed").href = results.dataset.feed;
}

document.addEventListener("htmx:afterSettle", (event) => {
  const results = document.getElementById("results");
  if (results && event.detail.target?.id === "results") showCounts(results);
});

// --- Code -------------------------------------------------------------------------------------------

const code = [...document.querySelectorAll("code[data-language]")];
if (code.length) {
  const languages = [...new Set(code.map((block) => block.dataset.language))];
  const [{ default: hljs }, ...grammars] = await Promise.all(["core", ...languages].map((name) => import(`hljs/${name}`)));
  languages.forEach((name, at) => hljs.registerLanguage(name, grammars[at].default));
  for (const block of code) block.innerHTML = hljs.highlight(block.textContent, { language: block.dataset.language }).value;
}
