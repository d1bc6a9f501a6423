// The address is the state of the page: what is saved is what it says now, after filters have changed it in place.

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-save-view]");
  if (!link) return;
  const url = new URL(link.href);
  url.searchParams.set("query", location.search.slice(1));
  link.href = url;
});
