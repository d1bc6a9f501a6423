// The documentation works without this module. It opens the answer that an address names, and adds links to headings.

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const question = target?.closest("details.question");
  if (!question) return;
  question.open = true;
  question.scrollIntoView();
}
addEventListener("hashchange", reveal);
reveal();

// An open question is an address to share.
document.addEventListener("toggle", ({ target }) => {
  if (!target.matches?.("details.question") || !target.open) return;
  const anchor = target.querySelector(".answer").id;
  if (decodeURIComponent(location.hash.slice(1)) !== anchor) history.replaceState(null, "", `#${anchor}`);
}, true);

for (const heading of document.querySelectorAll("[data-anchors] > :is(h2, h3)[id]")) {
  const link = Object.assign(document.createElement("a"), { className: "anchor", href: `#${heading.id}`, textContent: "#" });
  link.setAttribute("aria-label", `Link to “${heading.textContent}”`);
  heading.append(" ", link);
}

// The heading that is being read is marked in the contents.
const links = new Map([...document.querySelectorAll(".docs-contents a")].map((link) => [link.hash.slice(1), link]));
if (links.size) {
  const shown = new Set();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) shown[isIntersecting ? "add" : "delete"](target.id);
    const first = [...links.keys()].find((id) => shown.has(id));
    if (!first) return;
    for (const [id, link] of links) link.classList.toggle("here", id === first);
  }, { rootMargin: "-64px 0px -50% 0px" });
  for (const id of links.keys()) {
    const heading = document.getElementById(id);
    if (heading) observer.observe(heading);
  }
}

// The current page is in sight in the sidebar; scrollIntoView() would move the page too.
const rail = document.querySelector(".docs-rail");
const current = rail?.querySelector("[aria-current]");
if (current && current.offsetTop > rail.clientHeight - 80) rail.scrollTop = current.offsetTop - rail.clientHeight / 2;
