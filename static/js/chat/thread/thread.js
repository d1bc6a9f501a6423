/* The message list: renders turns from the newest back and keeps the reading position. */

import { isRunning } from "chat/answers/answers";
import { handleCards } from "chat/drawing/code";
import { $, announce, copy, download, h, toast } from "chat/dom";
import { preferencesOf } from "chat/picker/preferences";
import { sendFeedback } from "chat/thread/feedback";
import { focusVersion } from "chat/thread/pager";
import { Columns } from "chat/thread/columns";
import { Reader } from "chat/thread/reading";
import { placeIn, scrollToPlace } from "chat/thread/place";
import { AnswerView, questionView } from "chat/thread/turn";

const PAGE_SIZE = 30;
const END_DISTANCE = 80;
const INPUT_WINDOW = 1000;
const PLACE_PAUSE = 250;

/** Ranges of the words in an element's text, whatever their case. */
function occurrences(element, words) {
  const ranges = [];
  const nodes = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
    const text = node.data.toLowerCase();
    for (const word of words) {
      for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, Math.min(node.length, at + word.length));
        ranges.push(range);
      }
    }
  }
  return ranges.sort((a, b) => a.compareBoundaryPoints(Range.START_TO_START, b));
}

export class Thread {
  reader = new Reader();
  #views = new Map(); // answer id -> AnswerView
  #columns = new Map(); // question id -> Columns
  #chosen = new Map(); // question id -> the index of the column that is chosen
  #turns = [];
  #from = 0;
  #following = true;
  #lastInputAt = -Infinity;
  #place = null; // {id, timer} of the conversation whose reading position is to be kept
  #going = 0; // times that it is on the way to a place
  #hasPlace = false; // whether one is kept
  #returning = null; // id of the conversation whose reading position is being looked up

  /** `places` keeps the reading position of each conversation: get(id), set(id, place). */
  constructor({ room, models, answers, places, pick, empty, feedback, editProviders }) {
    this.room = room;
    this.places = places;
    this.models = models;
    this.pick = pick;
    this.empty = empty;
    Object.assign(this.#actions, { feedback, editProviders });
    this.scroller = $("#scroll");
    this.list = $("#thread");
    this.jumpButton = $("#latest");
    this.earlier = h("button.btn.small.earlier", { type: "button", onclick: () => this.#showEarlier() }, "Show earlier messages");

    room.on("opened", () => this.#opened());
    room.on("turns", () => this.#show());
    room.on("message", ({ message, name }) => this.#changed(message, name));
    answers.on("delta", (delta) => this.#views.get(delta.message.id)?.append(delta));
    this.reader.on("changed", (id) => this.#views.get(id)?.showReading());
    models.on("changed", () => room.conversation && !room.busy && this.#show());

    handleCards(this.list, download);
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    for (const name of ["wheel", "touchmove", "pointerdown", "keydown"]) {
      this.scroller.addEventListener(name, () => { this.#lastInputAt = performance.now(); }, { passive: true });
    }
    this.jumpButton.addEventListener("click", () => this.toEnd());
    window.addEventListener("pagehide", () => this.#keepPlace());
    // The height changes with text, images, fonts and the size of the window.
    new ResizeObserver(() => this.#following && this.#scrollToEnd()).observe(this.list);
    new ResizeObserver(() => this.#following && this.#scrollToEnd()).observe(this.scroller);
    new IntersectionObserver(([entry]) => entry.isIntersecting && this.#showEarlier(), { root: this.scroller, rootMargin: "600px 0px 0px" })
      .observe(this.earlier);
  }

  /** Scrolls to the newest message and follows it. */
  toEnd() {
    this.#following = true;
    this.#lastInputAt = -Infinity;
    this.jumpButton.hidden = true;
    this.#scrollToEnd();
  }

  /** Opens the last question for editing. */
  editLast() {
    [...this.list.querySelectorAll(".question")].at(-1)?.dispatchEvent(new Event("edit"));
  }

  /** Scrolls to a message that a search has found, and marks the words in it. */
  reveal(id, words) {
    const at = this.#turns.findIndex(({ question, columns }) => question.id === id || columns.some(({ shown }) => shown.id === id));
    if (at < 0) return;
    this.#returning = null;
    this.#following = false;
    if (at < this.#from) {
      this.#from = at;
      this.#show();
    }
    const element = this.list.querySelector(`[data-id="${CSS.escape(id)}"]`);
    for (const columns of this.#columns.values()) columns.reveal(id);
    const marks = occurrences(element, words);
    if (CSS.highlights) CSS.highlights.set("found", new Highlight(...marks));
    const place = marks[0]?.startContainer.parentElement ?? element;
    place.scrollIntoView({ block: "center" });
    // Blocks above get their real height when they come into view.
    requestAnimationFrame(() => place.scrollIntoView({ block: "center" }));
  }

  #opened() {
    this.#keepPlace();
    this.reader.stop();
    CSS.highlights?.delete("found");
    this.#chosen.clear();
    this.#from = Infinity;
    this.#turns = [];
    this.#show();
    this.toEnd();
    this.#return(this.room.conversation.id);
  }

  /** Goes back to where the reader was. */
  async #return(id) {
    this.#returning = id;
    this.#hasPlace = false;
    const place = await this.places.get(id);
    if (!place || this.#returning !== id) return;
    this.#hasPlace = true;
    const at = this.#turns.findIndex(({ question, columns }) => question.id === place.message || columns.some(({ shown }) => shown.id === place.message));
    if (at < 0) return;
    this.#following = false;
    if (at < this.#from) {
      this.#from = at;
      this.#show();
    }
    this.#goTo(place);
  }

  async #goTo(place) {
    this.#going += 1;
    await scrollToPlace(this.scroller, place);
    this.#going -= 1;
    this.#scrolled();
  }

  /** Notes the reader's place soon; at the end there is none to keep. */
  #notePlace() {
    const { id } = this.room.conversation;
    if (this.#place?.id === id || !this.room.saved || (this.#following && !this.#hasPlace)) return;
    this.#place = { id, timer: setTimeout(() => this.#keepPlace(), PLACE_PAUSE) };
  }

  #keepPlace() {
    if (!this.#place) return;
    const { id, timer } = this.#place;
    clearTimeout(timer);
    this.#place = null;
    this.#hasPlace = !this.#following;
    this.places.set(id, this.#following ? null : placeIn(this.scroller));
  }

  #show() {
    const turns = this.room.turns;
    const grew = turns.length > this.#turns.length;
    const place = grew || this.#following ? null : placeIn(this.scroller);
    this.#turns = turns;
    if (this.#from > turns.length - PAGE_SIZE) this.#from = Math.max(0, turns.length - PAGE_SIZE);
    const known = this.#views;
    this.#views = new Map();
    const sideways = new Map([...this.#columns].map(([question, { row }]) => [question, row.scrollLeft]));
    this.#columns.clear();
    const shown = turns.slice(this.#from).map((turn) => this.#turnView(turn, known));
    if (!this.#views.has(this.reader.id)) this.reader.stop();
    this.list.replaceChildren(...(this.#from > 0 ? [this.earlier] : []), ...(turns.length ? shown : [this.empty()]));
    for (const [question, { row }] of this.#columns) row.scrollLeft = sideways.get(question) ?? 0;
    this.list.classList.toggle("vacant", !turns.length);
    this.list.classList.toggle("wide", turns.some(({ columns }) => columns.length > 1));
    if (grew || this.#following) this.toEnd();
    else if (place) this.#goTo(place);
    else this.#scrolled();
  }

  #showEarlier() {
    if (this.#from === 0) return;
    const before = Math.max(0, this.#from - PAGE_SIZE);
    const turns = this.#turns.slice(before, this.#from).map((turn) => this.#turnView(turn, new Map()));
    const { scrollTop, scrollHeight } = this.scroller;
    this.#from = before;
    this.earlier.after(...turns);
    if (before === 0) this.earlier.remove();
    // Keep the reading position.
    this.scroller.scrollTop = scrollTop + this.scroller.scrollHeight - scrollHeight;
  }

  #turnView(turn, known) {
    const several = turn.columns.length > 1;
    const answers = turn.columns.map((column) => {
      const old = known.get(column.shown.id);
      // The view of a running answer must be kept: a new one would render from scratch.
      const view = old && isRunning(column.shown) && old.several === several && old.column.versions.length === column.versions.length ? old
        : new AnswerView(column, this.models, this.#actions, {
          several, basis: several && turn.question.basis === column.slot, last: turn.question === this.#turns.at(-1).question,
        });
      this.#views.set(column.shown.id, view);
      return view;
    });
    const question = questionView(turn, this.#actions, (id) => this.room.file(id));
    if (!several) return h("section.exchange", {}, question, h("div.answers", {}, answers.map(({ element }) => element)));
    return h("section.exchange.several", { data: { count: answers.length } }, question, ...this.#columnsView(turn.question.id, answers));
  }

  #columnsView(question, answers) {
    const chosen = Math.min(this.#chosen.get(question) ?? 0, answers.length - 1);
    const columns = new Columns(answers, {
      chosen, stop: (message) => this.room.stopOne(message),
      onchoose: (at) => {
        this.#chosen.set(question, at);
        this.#toStart(columns, answers[at].message);
      },
    });
    this.#columns.set(question, columns);
    return [columns.bar, columns.row];
  }

  /** Shows the start of an answer that takes the place of another one, if it begins behind its bar. */
  #toStart({ bar, row }, message) {
    if (row.scrollWidth > row.clientWidth || (this.#following && isRunning(message))) return;
    this.#following = false;
    const hidden = bar.getBoundingClientRect().bottom - row.getBoundingClientRect().top;
    if (hidden > 0) this.scroller.scrollTop -= hidden;
    this.#scrolled();
  }

  #changed(message, name) {
    this.#views.get(message.id)?.update();
    this.#columns.get(message.parent)?.update(message);
    if (name !== "ended") return;
    const { short } = this.models.get(message.model);
    const said = { done: "has answered", stopped: "was stopped", failed: "couldn't answer", interrupted: "was interrupted" }[message.status];
    announce(`${short} ${said}.`);
  }

  #actions = {
    copy,
    reader: this.reader,
    shown: () => {
      if (this.#following) this.#scrollToEnd();
      return this.#following;
    },
    file: (id) => this.room.file(id),
    promptOf: (message) => this.room.messages.get(message.parent)?.text ?? "",
    prefersProviders: () => Object.keys(preferencesOf(this.room.conversation.params)).length > 0,
    edit: (question, text) => this.room.edit(question, text),
    select: (message) => this.#select(message),
    regenerate: (message) => this.room.regenerate(message),
    retry: (message) => this.room.retry(message),
    withoutTools: (message) => this.room.regenerate(message, message.model, { tool_choice: "none" }),
    continueAnswer: (message) => this.room.continue(message),
    canFork: () => !this.room.temporary, // a branch is a chat of its own, which is stored
    fork: (message) => this.room.fork(message),
    stop: (message) => this.room.stopOne(message),
    remove: (message) => this.#remove(message),
    keepOnly: (message) => this.room.keepOnly(message),
    goOn: (message) => this.#goOn(message),
    rate: (message, feedback) => this.#rate(message, feedback),
    another: (message, { free = false } = {}) =>
      this.pick({ title: "Try another model", free, then: (model) => this.room.regenerate(message, model) }),
  };

  /** Sends feedback on an answer, or deletes it with null, and offers to undo that. Resolves to whether it was sent. */
  async #rate(message, feedback, undoes = false) {
    const before = message.feedback ?? null;
    const url = this.#actions.feedback.url.replace("ID", encodeURIComponent(message.meta.generation_id));
    try {
      await sendFeedback(url, feedback);
    } catch (error) {
      toast(error.message, "bad");
      return false;
    }
    await this.room.rate(message, feedback);
    if (feedback || undoes) announce(feedback ? "Feedback sent." : "Feedback deleted.");
    else toast("Feedback deleted.", "", () => this.#rate(message, before, true));
    return true;
  }

  /** Lets all models go on from this answer, or again each from its own. */
  async #goOn(message) {
    this.#following = false;
    const chosen = await this.room.goOnFrom(message);
    const { short } = this.models.get(message.model);
    announce(chosen ? `All models continue from ${short}'s answer.` : "Each model continues from its own answer.");
    this.list.querySelector(`[data-id="${CSS.escape(message.id)}"] [data-act="go-on"]`)?.focus({ preventScroll: true });
  }

  /** Shows another version in the same position on screen. */
  async #select(message) {
    const question = message.role === "user" ? message : this.room.messages.get(message.parent);
    const placeOf = (id) => this.list.querySelector(`[data-id="${CSS.escape(id)}"]`)?.getBoundingClientRect().top;
    const shown = this.#turns.find((turn) => turn.question.parent === question.parent);
    const before = placeOf(shown.question.id);
    const label = document.activeElement?.closest(".versions > button")?.getAttribute("aria-label");
    this.#following = false;
    await this.room.select(message);
    focusVersion(this.list.querySelector(`[data-id="${CSS.escape(message.id)}"]`), label);
    this.scroller.scrollTop += placeOf(question.id) - before;
    this.#scrolled();
  }

  /** Deletes immediately and offers to undo it. */
  async #remove(message) {
    if (!this.room.messages.has(message.id)) return; // pressed twice
    this.#following = false;
    const undo = await this.room.remove(message);
    toast(message.role === "user" ? "Question deleted." : "Answer deleted.", "", undo);
    (this.list.querySelector(".exchange:last-child .acts button") ?? $("#message")).focus({ preventScroll: true });
  }

  #scrollToEnd() {
    this.scroller.scrollTop = this.#turns.length ? this.scroller.scrollHeight : 0; // the welcome is read from its top
  }

  #scrolled() {
    if (this.#going) return; // the end may be near for a moment
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const away = scrollHeight - scrollTop - clientHeight;
    if (away < END_DISTANCE) this.#following = true;
    // Lazy layout also scrolls the page, so only recent user input stops following the end.
    else if (performance.now() - this.#lastInputAt < INPUT_WINDOW) this.#following = false;
    this.#notePlace();
    const hidden = this.#following || !this.#turns.length;
    if (hidden !== this.jumpButton.hidden) this.jumpButton.hidden = hidden; // else each scroll makes work for the browser
  }
}
