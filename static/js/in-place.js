// Activity dashboard: links and forms that lead to another view of the page put it in place, as filters do. The address is
// pushed and focus stays where it was. Without JavaScript they load the page.

const page = document.querySelector("[data-in-place]");
const results = () => document.getElementById("results");

// Where focus goes when its link is gone, by the part of the page that the link was in.
const PLACES = [
  [".plot", ".plot"],
  [".bars ~ details", ".bars ~ details .tablewrap"],
  [".breakdown", ".breakdown-scroll"],
  [".view-bar", ".view-bar a.chip, .view-bar summary"],
  ["#selects", "#selects summary"],
];

function leadsHere(link) {
  const url = new URL(link.getAttribute("href"), location.href);
  return url.origin === location.origin && url.pathname === location.pathname && !link.hasAttribute("hx-get");
}

function visit(url, from) {
  const [, place] = PLACES.find(([part]) => from.closest(part)) ?? ["", "#results"];
  const top = document.querySelector(place)?.getBoundingClientRect().top;
  // Another choice that came later has taken over if this one is rejected.
  htmx.ajax("GET", url, { source: page }).then(() => focusOn(place, top), () => {});
}

/** Focuses what stands in place of a link, at the height where it was on the screen. */
function focusOn(place, top) {
  if (document.activeElement !== document.body) return;
  const target = document.querySelector(place) ?? results();
  if (!target.matches("a, summary, [tabindex]")) target.tabIndex = -1;
  target.focus({ preventScroll: true });
  if (top >= 0) scrollBy({ top: target.getBoundingClientRect().top - top, behavior: "instant" });
}

if (results()) {
  page.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (!link || !isPlain || event.defaultPrevented || !leadsHere(link)) return;
    event.preventDefault();
    visit(link.getAttribute("href"), link);
  });
  page.addEventListener("submit", (event) => {
    const form = event.target.closest(".view-bar form");
    if (!form) return;
    event.preventDefault();
    const values = [...new FormData(form)].filter(([, value]) => value);
    visit(`${location.pathname}?${new URLSearchParams(values)}`, form);
  });

  // The insights do not depend on the period: those that the page has are not asked for again.
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    const insights = document.getElementById("insights");
    if (insights) detail.headers["X-Kept-Insights"] = insights.dataset.zone;
  });

  // An answer without results is another page, such as that to sign in.
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target !== results() || !detail.shouldSwap) return;
    if (detail.serverResponse.includes('id="results"')) {
      // htmx says goodbye to each element that it replaces; tables and charts have too many.
      for (const large of results().querySelectorAll("table, .plot")) large.remove();
    } else {
      detail.shouldSwap = false;
      location.assign(detail.pathInfo.finalRequestPath);
    }
  });

  const announcer = Object.assign(document.createElement("div"), { className: "vh" });
  announcer.setAttribute("role", "status");
  document.body.append(announcer);
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.target.id !== "results") return;
    announcer.textContent = (document.getElementById("plot-title") ?? results().querySelector("h2"))?.textContent ?? "";
  });
}
