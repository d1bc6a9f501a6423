/* Answers of several models to one question: columns side by side, which scroll sideways where there is no room for all,
   and one at a time on a phone. A bar with a tab for each stays in reach while they are read. */

import { isRunning } from "chat/answers/answers";
import { duration } from "chat/dates";
import { h, icon, iconButton } from "chat/dom";
import { costOf, usd } from "chat/money";
import { avatar } from "chat/thread/turn";

/** Milliseconds without scrolling after which the column that is shown counts as chosen. */
const SETTLED = 120;
const KEYS = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };

const WORDS = { waiting: "Waiting…", streaming: "Writing…", stopped: "Stopped", failed: "Failed", interrupted: "Interrupted", done: "" };
const ICONS = { stopped: "stop", failed: "warning", interrupted: "warning", done: "check" };

/** State of an answer in a tab: an icon, and "$0.0062 · 3.1 s" or a word. */
function stateView(message) {
  const { status, meta, queued } = message;
  const cost = meta?.usage && usd(costOf(message));
  const words = [queued ? "Waiting for connection" : WORDS[status], cost, cost && duration(meta.duration_ms)];
  return [
    isRunning(message) ? h("span.running", { aria: { hidden: "true" } }) : icon(ICONS[status], "small"),
    status === "done" && h("span.vh", {}, "Finished"),
    h("span.num", {}, words.filter(Boolean).join(" · ")),
  ].filter(Boolean);
}

export class Columns {
  #views;
  #tabs;
  #panels;
  #chosen;
  #onchoose;
  #timer = 0;

  /** `views` are the AnswerViews of the turn, `chosen` the index of the one that is shown where there is room for one;
      `onchoose(index)` is called when that changes, and `stop(message)` to stop an answer. */
  constructor(views, { chosen, onchoose, stop }) {
    this.#views = views;
    this.#onchoose = onchoose;
    this.#tabs = views.map(({ model, message: { id } }) => h("button.answer-tab", {
      type: "button", role: "tab", id: `tab-${id}`, title: model.name, aria: { controls: `panel-${id}` }, data: { tab: id },
    }, avatar(model), h("span.name.truncate", {}, model.short), h("span.state")));
    this.#panels = views.map(({ element, message: { id } }) =>
      h("div.column", { role: "tabpanel", id: `panel-${id}`, aria: { labelledby: `tab-${id}` } }, element));
    this.stop = iconButton("stop", "Stop this answer", () => stop(this.#views[this.#chosen].message), "button.ico.stop");
    this.bar = h("div.answer-bar", {}, h("div.answer-tabs", { role: "tablist", aria: { label: "Answers" } }, this.#tabs), this.stop);
    this.row = h("div.answers.several", { data: { count: views.length } }, this.#panels);
    this.#tabs.forEach((tab, at) => tab.addEventListener("click", () => this.choose(at)));
    this.bar.firstChild.addEventListener("keydown", (event) => this.#move(event));
    this.row.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#mark(chosen);
    for (const view of views) this.update(view.message);
  }

  /** Shows the state of an answer in its tab. */
  update(message) {
    const at = this.#views.findIndex((view) => view.message === message);
    if (at < 0) return;
    const state = this.#tabs[at].querySelector(".state");
    state.className = `state ${message.status}`;
    state.replaceChildren(...stateView(message));
    this.#showStop();
  }

  #showStop() {
    const running = isRunning(this.#views[this.#chosen].message);
    if (!running && document.activeElement === this.stop) this.#tabs[this.#chosen].focus({ preventScroll: true });
    this.stop.hidden = !running;
  }

  /** Shows the answer with this index. */
  choose(at) {
    this.#mark(at);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.row.scrollTo({ left: this.#panels[at].offsetLeft - this.#panels[0].offsetLeft, behavior: calm ? "instant" : "smooth" });
    this.#onchoose(at);
  }

  /** Chooses the answer with this ID. */
  reveal(id) {
    const at = this.#views.findIndex(({ message }) => message.id === id);
    if (at >= 0) this.choose(at);
  }

  #mark(at) {
    this.#chosen = at;
    this.#tabs.forEach((tab, each) => {
      tab.setAttribute("aria-selected", String(each === at));
      tab.tabIndex = each === at ? 0 : -1;
    });
    this.#panels.forEach((panel, each) => panel.classList.toggle("chosen", each === at));
    this.#showStop();
    const strip = this.bar.firstChild;
    const tab = this.#tabs[at];
    if (tab.offsetLeft < strip.scrollLeft) strip.scrollLeft = tab.offsetLeft;
    else if (tab.offsetLeft + tab.offsetWidth > strip.scrollLeft + strip.clientWidth) {
      strip.scrollLeft = tab.offsetLeft + tab.offsetWidth - strip.clientWidth;
    }
  }

  #move(event) {
    const step = KEYS[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(this.#tabs.length - 1, this.#chosen + step));
    this.#tabs[next].focus({ preventScroll: true });
    this.choose(next);
  }

  /** After the row was scrolled: the first column in sight is chosen, unless the chosen one is in sight. */
  #scrolled() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const { left, right } = this.row.getBoundingClientRect();
      const inSight = (panel) => {
        const box = panel.getBoundingClientRect();
        return box.left > left - 8 && box.right < right + 8;
      };
      const at = this.#panels.findIndex(inSight);
      if (at < 0 || inSight(this.#panels[this.#chosen])) return;
      this.#mark(at);
      this.#onchoose(at);
    }, SETTLED);
  }
}
