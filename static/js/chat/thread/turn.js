/* Views of a question and of an answer. A running answer is updated in place. */

import { isRunning } from "chat/answers/answers";
import { StreamingMarkdown, renderMarkdown } from "chat/drawing/blocks";
import { duration } from "chat/dates";
import { h, icon, iconButton } from "chat/dom";
import { colorOf } from "chat/picker/models";
import { exclusionsInWords } from "chat/picker/preferences";
import { calledTools, showCalls, showSearch } from "chat/thread/calls";
import { feedbackForm, ratingButtons } from "chat/thread/feedback";
import { fileView } from "chat/thread/file-view";
import { GeneratedImages } from "chat/thread/generated";
import { describeError, metaView } from "chat/thread/outcome";
import { pageByArrows, pager } from "chat/thread/pager";
import { ReadingButtons } from "chat/thread/reading";

const LONG_QUESTION = 1200;
/** Milliseconds between two additions to the thoughts that are shown. */
const THOUGHTS_PAUSE = 150;

/** An author's initial in the author's color. */
export function avatar(model) {
  return h(`span.ava.small.${colorOf(model.author)}`, { aria: { hidden: "true" } }, model.author.slice(0, 1));
}

/** A question with its actions; `load(id)` resolves to a file. */
export function questionView({ question, versions }, actions, load) {
  const article = h("article.turn.question", { data: { id: question.id } });
  const show = () => {
    article.classList.remove("edited");
    const text = h("div.bubble", { dir: "auto" }, question.text);
    const long = question.text.length > LONG_QUESTION || question.text.split("\n").length > 14;
    let more = null;
    if (long) {
      text.classList.add("folded");
      more = h("button.link.more", { type: "button", aria: { expanded: "false" }, onclick: () => {
        const folded = text.classList.toggle("folded");
        more.textContent = folded ? "Show all" : "Show less";
        more.setAttribute("aria-expanded", String(!folded));
      } }, "Show all");
    }
    article.replaceChildren(...[
      h("h2.vh", {}, "You"), attachmentsView(question, load), question.text && text, more,
      h(`footer.acts${versions.length > 1 ? ".chosen" : ""}`, {}, pager(versions, question, actions.select, "question"),
        iconButton("copy", "Copy", ({ currentTarget }) => actions.copy(question.text, currentTarget)),
        iconButton("edit", "Edit message", edit), iconButton("trash", "Delete question", () => actions.remove(question))),
    ].filter(Boolean));
  };
  const edit = () => {
    const area = h("textarea.input", { rows: 3, dir: "auto", aria: { label: "Edit your message" } });
    area.value = question.text;
    article.classList.add("edited");
    const send = () => {
      const text = area.value.trim();
      if (text || question.files?.length) actions.edit(question, text);
    };
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { event.stopPropagation(); show(); article.querySelector('[aria-label="Edit message"]').focus(); }
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) { event.preventDefault(); send(); }
    });
    article.replaceChildren(h("h2.vh", {}, "You"), h("div.editing", {}, area, h("div.row", {},
      h("span.help.grow", {}, "The original stays as an earlier version."),
      h("button.btn.small", { type: "button", onclick: show }, "Cancel"),
      h("button.btn.small.primary", { type: "button", onclick: send }, "Send"))));
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  };
  article.addEventListener("edit", edit);
  if (versions.length > 1) pageByArrows(article);
  show();
  return article;
}

function attachmentsView(question, load) {
  if (!question.files?.length) return null;
  const list = h("ul.attached", { aria: { label: "Attachments" } });
  for (const id of question.files) {
    const item = h("li");
    list.append(item);
    load(id).then((file) => item.replaceChildren(file ? fileView(file) : h("span.chip", {}, "No longer stored")));
  }
  return list;
}

export class AnswerView {
  #live = null;
  #length = 0; // of the text shown
  #reasoning = null;
  #thoughtsTimer = 0;
  #parts = {};
  #images = null;
  #reading = null; // the buttons that read it aloud
  #running = false; // as the foot shows

  /** `several`: whether the turn has answers of several models; `basis`: whether all models continue from this one;
      `last`: whether that can be chosen. */
  constructor(column, models, actions, { several, basis = false, last = false }) {
    this.column = column;
    this.message = column.shown;
    this.actions = actions;
    this.several = several;
    this.basis = basis;
    this.last = last;
    this.model = models.get(this.message.model);
    this.models = models;
    this.element = h("article.turn.answer", { data: { id: this.message.id } });
    const parts = this.#parts;
    parts.head = h("header", {}, avatar(this.model), h("h2", {}, this.model.short), h("span.about"));
    parts.thoughts = h("div.thoughts");
    parts.search = h("div.calls");
    parts.body = h("div.answer-text", { dir: "auto" });
    parts.images = h("div");
    parts.calls = h("div.calls");
    parts.extras = h("div.extras");
    parts.error = h("div.answer-error");
    parts.foot = h("footer.acts");
    parts.feedback = h("div.answer-feedback");
    const { head, search, thoughts, body, images, calls, extras, error, foot, feedback } = parts;
    this.element.append(head, search, thoughts, body, images, calls, extras, error, foot, feedback);
    if (column.versions.length > 1) pageByArrows(this.element);
    if (!isRunning(this.message)) this.#showWhole();
    this.update();
  }

  #showWhole() {
    this.#length = this.message.text.length;
    this.#parts.body.replaceChildren(renderMarkdown(this.message.text));
  }

  /** Shows the text that has come since the last call. */
  #showText() {
    const { text } = this.message;
    if (text.length === this.#length) return;
    if (text.length < this.#length) {
      this.#parts.body.replaceChildren();
      this.#live = null;
      this.#length = 0;
    }
    if (!this.#live && !isRunning(this.message)) return this.#showWhole();
    this.#live ??= new StreamingMarkdown(this.#parts.body, { onshow: this.actions.shown });
    this.#push(text.slice(this.#length));
    return undefined;
  }

  #push(text) {
    this.#live.push(text);
    this.#length += text.length;
  }

  /** Shows a delta of the answer. */
  append({ text, reasoning, images, sources, calls }) {
    if (text) {
      if (this.#live && this.#length + text.length === this.message.text.length) this.#push(text);
      else this.#showText();
      if (this.#reasoning?.open && !this.#reasoning.dataset.touched && this.message.thought_ms) this.#reasoning.open = false;
    }
    if (reasoning) this.#thoughtsTimer ||= setTimeout(() => this.#showThoughts(), THOUGHTS_PAUSE);
    else if (text && this.message.thought_ms && !this.#reasoning?.dataset.timed) this.#showThoughts();
    if (images || sources) this.#showExtras();
    if (calls) showCalls(this.#parts.calls, this.message);
    this.element.classList.toggle("silent", !this.#hasContent);
  }

  get #hasContent() {
    return Boolean(this.message.text || this.message.images?.length);
  }

  /** Shows whether the answer is read aloud. */
  showReading() {
    this.#reading?.update();
  }

  /** Shows all changes. */
  update() {
    const { message, element } = this;
    const running = isRunning(message);
    this.#showText();
    if (!running && this.#live) {
      this.#live.end();
      this.#live = null;
    }
    element.setAttribute("aria-busy", String(running));
    element.classList.toggle("streaming", running);
    element.classList.toggle("silent", running && !this.#hasContent);
    this.#parts.head.querySelector(".about").replaceChildren(...this.#about());
    showSearch(this.#parts.search, message);
    this.#showThoughts();
    showCalls(this.#parts.calls, message);
    this.#showExtras();
    this.#parts.error.replaceChildren(...this.#problem());
    if (running && this.#running) return; // its button keeps the focus
    this.#running = running;
    const { foot, feedback } = this.#parts;
    const focused = foot.contains(document.activeElement) && document.activeElement.dataset.act;
    foot.replaceChildren(...this.#foot(running));
    if (focused) foot.querySelector(`[data-act="${focused}"]`)?.focus({ preventScroll: true });
    if (!message.feedback) feedback.replaceChildren();
  }

  /** Opens the form for the details of the feedback, or closes it. */
  #toggleFeedback() {
    const { foot, feedback } = this.#parts;
    if (feedback.firstChild) {
      feedback.replaceChildren();
      foot.querySelector('[data-act="feedback"]')?.focus({ preventScroll: true });
      return;
    }
    feedback.append(feedbackForm(this.message, this.actions.feedback, {
      send: (details) => this.actions.rate(this.message, details), close: () => this.#toggleFeedback(),
    }));
    feedback.querySelector("input, textarea").focus();
  }

  #about() {
    const { meta, queued } = this.message;
    return [
      meta?.provider && h("span.chip", { title: "Provider" }, `via ${meta.provider}`),
      meta?.simulated && h("span.chip.warn", { title: "Simulated response: this site has no key for this provider" }, "simulated"),
      meta?.model && meta.model !== this.message.model && h("span.chip", { title: "Model that responded" }, meta.model),
      this.basis && h("span.chip.accent", { title: "All models continue from this answer" }, icon("check"), "used to continue"),
      queued && h("span.chip.warn", {}, "waiting for connection"),
    ].filter(Boolean);
  }

  #showThoughts() {
    clearTimeout(this.#thoughtsTimer);
    this.#thoughtsTimer = 0;
    const { reasoning, thought_ms, status } = this.message;
    if (!reasoning) return;
    if (!this.#reasoning) {
      this.#reasoning = h("details.think", {}, h("summary"), h("div.thought", { dir: "auto" }));
      this.#reasoning.querySelector("summary").addEventListener("click", () => { this.#reasoning.dataset.touched = ""; });
      this.#parts.thoughts.append(this.#reasoning);
    }
    const busy = !thought_ms && (status === "streaming" || status === "waiting");
    this.#reasoning.querySelector("summary").textContent = busy ? "Thinking…" : `Thought for ${duration(thought_ms ?? 0)}`;
    if (!busy) this.#reasoning.dataset.timed = "";
    const thought = this.#reasoning.querySelector(".thought");
    // Appending preserves the reader's selection and avoids rendering the old text again.
    const shown = Number(thought.dataset.length ?? 0);
    if (shown < reasoning.length) thought.append(reasoning.slice(shown));
    thought.dataset.length = reasoning.length;
  }

  #showExtras() {
    const { images = [], sources = [] } = this.message;
    if (images.length || this.#images) {
      if (!this.#images) this.#parts.images.append((this.#images = new GeneratedImages(this.actions.file, this.actions.promptOf(this.message))).element);
      this.#images.show(images);
    }
    const links = sources.filter(({ url }) => /^https?:\/\//.test(url));
    this.#parts.extras.replaceChildren(
      ...(links.length ? [h("details.sources", {}, h("summary", {}, `${links.length} source${links.length > 1 ? "s" : ""}`),
        h("ol", {}, links.map(({ url, title }) => h("li", {}, h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, title || url)))))] : []),
    );
  }

  #problem() {
    const { message, actions } = this;
    const { error, status, meta } = message;
    if (!error) {
      const goOn = this.#canContinue && h("button.btn.small", { type: "button", onclick: () => actions.continueAnswer(message) }, "Continue");
      if (status === "stopped") return [h("p.note", {}, icon("stop", "small"), "You stopped this answer.", goOn)];
      if (meta?.finish === "length") return [h("p.note", {}, icon("info", "small"), "Reached the token limit.", goOn)];
      if (status === "done" && message.calls?.length && (meta.finish === "tool_calls" || !message.text)) {
        return [h("p.note", {}, icon("tool", "small"), h("span", {}, `The model waits for the result of ${calledTools(message)}. This chat doesn't run tools.`),
          h("button.btn.small", { type: "button", onclick: () => actions.withoutTools(message) }, "Answer without tools"))];
      }
      if (status === "done" && !message.text && !message.images?.length && meta?.finish !== "content_filter") {
        return [h("p.note", {}, icon("info", "small"), "The model ended without an answer.",
          h("button.btn.small", { type: "button", onclick: () => actions.retry(message) }, icon("refresh"), "Try again"))];
      }
      if (meta?.finish === "content_filter") return [h("p.note", {}, icon("info", "small"), "Stopped by the provider's content filter.")];
      return [];
    }
    const banner = h(`div.banner.${status === "interrupted" || error.status === 402 ? "warn" : "bad"}`, { role: "alert" }, icon(error.status === 402 ? "wallet" : "warning"));
    const { title, hint } = describeError(error);
    const prefers = error.status === 404 && actions.prefersProviders();
    banner.append(h("div", {}, h("strong", {}, title), h("p", {}, exclusionsInWords(error.excluded_by ?? []) || error.text), hint && h("p.muted", {}, hint), h("div.row.remedies", {},
      prefers && h("button.btn.small.primary", { type: "button", onclick: () => actions.editProviders() }, "Edit provider preferences"),
      error.remedy && h(`a.btn.small${prefers ? "" : ".primary"}`, { href: error.remedy.href + (error.status === 401 ? encodeURIComponent(location.hash) : "") }, error.remedy.text),
      this.#canContinue && h("button.btn.small", { type: "button", onclick: () => actions.continueAnswer(message) }, "Continue"),
      error.status === 402 && h("button.btn.small", { type: "button", onclick: () => actions.another(message, { free: true }) }, "Use a free model"),
      h("button.btn.small", { type: "button", onclick: () => (this.#hasContent ? actions.regenerate(message) : actions.retry(message)) }, icon("refresh"), "Try again"),
      error.status !== 402 && h("button.btn.small", { type: "button", onclick: () => actions.another(message) }, "Try another model"))));
    return [banner];
  }

  /** Whether the answer has a beginning, and what that cost is known. */
  get #canContinue() {
    const { text, meta } = this.message;
    return Boolean(text) && (!meta?.generation_id || Boolean(meta.usage));
  }

  #goOnButton() {
    const chosen = this.basis;
    return h("button.btn.quiet.small", {
      type: "button", data: { act: "go-on" }, aria: { pressed: String(chosen) }, onclick: () => this.actions.goOn(this.message),
      title: chosen ? "All models continue from this answer. Press to let each continue from its own." : "Let all models continue from this answer",
    }, icon("check"), "Use this answer");
  }

  #foot(running) {
    const { message, actions, column } = this;
    if (running) {
      return [
        pager(column.versions, message, actions.select, "answer"),
        this.several && iconButton("stop", `Stop ${this.model.short}`, () => actions.stop(message), "button.ico.stop"),
      ].filter(Boolean);
    }
    this.#reading = message.text && actions.reader.supported ? new ReadingButtons(actions.reader, message.id, () => this.#parts.body) : null;
    return [
      pager(column.versions, message, actions.select, "answer"),
      message.text && iconButton("copy", "Copy answer", ({ currentTarget }) => actions.copy(message.text, currentTarget)),
      !message.error && iconButton("refresh", "Regenerate", () => actions.regenerate(message)),
      !message.error && iconButton("cube", "Try another model", () => actions.another(message)),
      this.#reading?.element,
      this.#hasContent && actions.canFork() && iconButton("branch", "Branch to new chat", () => actions.fork(message)),
      this.several && this.last && this.#hasContent && this.#goOnButton(),
      this.several && this.#hasContent && iconButton("columns", `Keep only ${this.model.short}`, () => actions.keepOnly(message)),
      (this.several || column.versions.length > 1) && iconButton("trash", "Delete answer", () => actions.remove(message)),
      ...(message.meta?.usage ? ratingButtons(message, { rate: actions.rate, details: () => this.#toggleFeedback() }) : []),
      metaView(message),
    ].filter(Boolean);
  }
}
