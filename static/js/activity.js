// Activity dashboard: chart tooltips by pointer or arrow keys. in-place.js changes the view, live.js updates it.

// --- Bars -----------------------------------------------------------------------------------------
// The tooltip shows one row of the data table below the chart.

const announcer = Object.assign(document.createElement("div"), { className: "vh" });
announcer.setAttribute("role", "status");
document.body.append(announcer);

function cell(tag, text, swatch) {
  const element = document.createElement(tag);
  if (swatch) {
    const mark = document.createElement("i");
    mark.className = `swatch ${swatch}`;
    element.append(mark);
  }
  element.append(text);
  return element;
}

function row(...cells) {
  const element = document.createElement("tr");
  element.append(...cells);
  return element;
}

function setUpChart(figure) {
  const plot = figure.querySelector(".plot");
  const tip = figure.querySelector("[data-tip]");
  const table = figure.closest("section").querySelector("[data-bars-table]");
  const columns = [...plot.querySelectorAll(".column")];
  const heads = [...table.tHead.rows[0].cells].slice(1);
  let shown = -1;

  function show(index) {
    if (index === shown) return;
    columns[shown]?.classList.remove("on");
    shown = index;
    tip.hidden = index < 0;
    if (index < 0) return;
    columns[index].classList.add("on");
    const cells = [...table.tBodies[0].rows[index].cells];
    const values = cells.slice(1).map((value) => value.textContent);
    const box = document.createElement("table");
    box.createCaption().textContent = cells[0].textContent;
    const body = box.createTBody();
    const zero = /^\$?[0.]+$/;
    heads.slice(0, -1).forEach((head, series) => {
      if (!zero.test(values[series])) body.append(row(cell("th", head.textContent, head.dataset.css), cell("td", values[series])));
    });
    box.createTFoot().append(row(cell("th", "Total"), cell("td", values.at(-1))));
    tip.replaceChildren(box);
    place(index);
  }

  // Right of the bar if it fits there, else left.
  function place(index) {
    const frame = figure.getBoundingClientRect();
    const bar = columns[index].querySelector(".slot").getBoundingClientRect();
    const right = bar.right - frame.left + 8;
    const left = bar.left - frame.left - tip.offsetWidth - 8;
    const fits = right + tip.offsetWidth <= frame.width;
    tip.style.left = `${Math.max(0, fits ? right : Math.max(left, 0))}px`;
  }

  function announceTip() {
    announcer.textContent = [...tip.querySelectorAll("caption, tr")].map((line) => [...line.childNodes].map((part) => part.textContent).join(" ")).join(", ");
  }

  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const index = Math.floor(((event.clientX - box.left) / box.width) * columns.length);
    show(index >= 0 && index < columns.length ? index : -1);
  });
  plot.addEventListener("pointerleave", () => show(-1));
  plot.addEventListener("blur", () => show(-1));
  plot.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && shown >= 0) columns[shown].dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
    const last = columns.length - 1;
    const here = shown < 0 ? last + 1 : shown;
    const to = { ArrowLeft: here - 1, ArrowRight: shown < 0 ? 0 : here + 1, Home: 0, End: last, Escape: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    show(event.key === "Escape" ? -1 : Math.min(Math.max(to, 0), last));
    if (shown >= 0) announceTip();
  });
}

// --- State that survives a refresh of the results -------------------------------------------------

const open = new Set();
document.addEventListener("toggle", (event) => {
  const name = event.target.dataset?.remember;
  if (!name || !event.target.isConnected) return;
  if (event.target.open) open.add(name);
  else open.delete(name);
}, true);

function restore(root) {
  for (const details of root.querySelectorAll("[data-remember]")) if (open.has(details.dataset.remember)) details.open = true;
  for (const figure of root.querySelectorAll("[data-bars]")) setUpChart(figure);
}
restore(document);
document.addEventListener("htmx:load", ({ detail }) => {
  if (detail.elt.id === "results") restore(detail.elt);
});

// Defaults and empty values stay out of the URL; "everything but" is written with the name of its filter.
const DEFAULTS = { period: "30d", show: "spend", by: "model" };
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.elt.id !== "filters") return;
  const { formData } = detail;
  if (formData.get("period") !== "custom") for (const name of ["from", "to", "back"]) formData.delete(name);
  // The unit is the period's own until another one is chosen, and another period has its own.
  if (detail.triggeringEvent?.target?.name === "period" || !chosenUnit(detail)) formData.delete("bucket");
  for (const name of formData.getAll("not")) {
    for (const value of formData.getAll(name)) formData.append(`not_${name}`, value);
    formData.delete(name);
  }
  formData.delete("not");
  for (const [name, value] of [...formData]) if (value === "" || value === DEFAULTS[name]) formData.delete(name);
});

function chosenUnit({ triggeringEvent }) {
  return triggeringEvent?.target?.name === "bucket" || new URL(location.href).searchParams.has("bucket");
}

// --- Filters --------------------------------------------------------------------------------------

// A list that is in use stays as it is: its choices depend on the period alone.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  if (event.detail.target.id === "selects" && document.activeElement.closest("#selects .pick")) event.detail.shouldSwap = false;
});
document.addEventListener("change", ({ target }) => {
  const pick = target.closest("[data-pick]");
  if (pick) pick.querySelector("[data-count]").textContent = pick.querySelectorAll("fieldset :checked").length || "";
});
document.addEventListener("toggle", ({ target }) => {
  if (target.matches?.("[data-pick]") && target.open) target.querySelector("[data-find]").hidden = false;
}, true);
document.addEventListener("input", ({ target }) => {
  if (!target.matches("[data-find]")) return;
  const wanted = target.value.trim().toLowerCase();
  for (const label of target.closest(".panel").querySelectorAll("fieldset label")) label.hidden = !label.textContent.toLowerCase().includes(wanted);
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-find], .range input")) event.stopPropagation(); // not a filter
}, true);
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && event.target.closest?.("details.pick[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
document.addEventListener("click", ({ target }) => {
  for (const open of document.querySelectorAll("details.pick[open]")) if (!open.contains(target)) open.open = false;
});
