/* The request builder's page. The server builds the request and the programs from the form, on each change; here are
   what surrounds that: faults beside fields, messages that move, the state in the URL, and the run. */

import { colorCode } from "request-builder/code";
import { setUpMessages } from "request-builder/messages";
import { showNotes } from "request-builder/notes";
import { Runner } from "request-builder/run";
import { openShared, share } from "request-builder/state";

const form = () => document.getElementById("request");

document.addEventListener("submit", (event) => {
  if (event.target === form()) event.preventDefault(); // each change has been sent already
});

function arrived() {
  const result = document.getElementById("result");
  showNotes(form(), JSON.parse(result.dataset.notes));
  colorCode(result);
  share(form());
}

document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.target?.id === "result" || detail.target?.id === "builder") arrived();
});

setUpMessages(form);
new Runner(form, JSON.parse(document.getElementById("request-builder-setup").textContent).user);
document.getElementById("copy-link").hidden = false;
document.getElementById("run").hidden = false;
colorCode(document.getElementById("result"));
if (!(await openShared())) share(form(), true);
window.addEventListener("hashchange", openShared); // another link, pasted into the address
document.querySelector(".request-builder").dataset.ready = "yes";
