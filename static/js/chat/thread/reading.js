/* Reads answers aloud with the browser's voices, one at a time. */

import { Emitter } from "chat/emitter";
import { h, iconButton, toast } from "chat/dom";

/** Characters that are spoken at once: browsers stop in the middle of long texts. */
const MAX_LENGTH = 220;
/** What has no use aloud. */
const SILENT = ".code, .remote-image, img, svg, button";
const BLOCKS = "p, li, h3, h4, h5, h6, td, th, blockquote, hr";

/** The text of an answer's element as it is spoken, in pieces: without code, and formulas only named. */
export function spokenPieces(element) {
  const copy = element.cloneNode(true);
  for (const each of copy.querySelectorAll(SILENT)) each.remove();
  for (const formula of copy.querySelectorAll(".math")) formula.replaceWith(" (formula) ");
  for (const each of copy.querySelectorAll("br")) each.replaceWith("\n");
  for (const each of copy.querySelectorAll(BLOCKS)) each.append("\n");
  return copy.textContent.split("\n").flatMap((line) => pieces(line.replace(/\s+/g, " ").trim()));
}

function pieces(line) {
  const sentences = Intl.Segmenter ? [...new Intl.Segmenter(undefined, { granularity: "sentence" }).segment(line)].map(({ segment }) => segment) : [line];
  return sentences.flatMap((sentence) => sentence.match(new RegExp(`.{1,${MAX_LENGTH}}(?:\\s|$)|.{1,${MAX_LENGTH}}`, "gs")) ?? []).map((piece) => piece.trim()).filter((piece) => /[\p{L}\p{N}]/u.test(piece));
}

export class Reader extends Emitter {
  /** The ID of the answer that is read, and whether it is paused. */
  id = null;
  paused = false;
  #pieces = [];
  #at = 0;
  #spoken = null; // kept: browsers forget an utterance that nothing else refers to, and its events

  get supported() {
    return "speechSynthesis" in window && "SpeechSynthesisUtterance" in window;
  }

  constructor() {
    super();
    if (this.supported) window.addEventListener("pagehide", () => speechSynthesis.cancel());
  }

  start(id, element) {
    this.stop();
    this.#pieces = spokenPieces(element);
    if (!this.#pieces.length) {
      toast("This answer has no text to read aloud.", "warn");
      return;
    }
    this.id = id;
    this.#at = 0;
    this.#speak();
    this.#changed(id);
  }

  /** Pauses. It goes on with the sentence it was in: not every browser can pause within one. */
  pause() {
    this.paused = true;
    this.#silence();
    this.#changed(this.id);
  }

  resume() {
    this.paused = false;
    this.#speak();
    this.#changed(this.id);
  }

  stop() {
    const { id } = this;
    if (id === null) return;
    this.id = null;
    this.paused = false;
    this.#silence();
    this.#changed(id);
  }

  #silence() {
    this.#spoken = null;
    speechSynthesis.cancel();
  }

  #speak() {
    const utterance = new SpeechSynthesisUtterance(this.#pieces[this.#at]);
    const voice = localVoice();
    if (voice) utterance.voice = voice;
    utterance.addEventListener("end", () => this.#spoken === utterance && this.#next());
    utterance.addEventListener("error", () => this.#spoken === utterance && this.#fail());
    this.#spoken = utterance;
    speechSynthesis.speak(utterance);
  }

  #next() {
    this.#at += 1;
    if (this.#at < this.#pieces.length) this.#speak();
    else this.stop();
  }

  #fail() {
    this.stop();
    toast("Your browser couldn't read this aloud. Check that a voice is installed.", "warn");
  }

  #changed(id) {
    this.emit("changed", id);
  }
}

/** A voice of the device in the language of the browser's own, if that one would send the text to a server. */
function localVoice() {
  const voices = speechSynthesis.getVoices();
  const usual = voices.find((voice) => voice.default);
  if (!usual || usual.localService) return null;
  return voices.find(({ lang, localService }) => localService && lang.slice(0, 2) === usual.lang.slice(0, 2)) ?? null;
}

/** The buttons that read an answer aloud. `element()` is its text. */
export class ReadingButtons {
  constructor(reader, id, element) {
    Object.assign(this, { reader, id });
    this.read = iconButton("volume", "Read aloud", () => reader.start(id, element()));
    this.pause = iconButton("pause", "Pause reading", () => reader.pause());
    this.resume = iconButton("play", "Resume reading", () => reader.resume());
    this.end = iconButton("stop", "Stop reading", () => reader.stop(), "button.ico.stop");
    this.element = h("span.reading", { role: "group", aria: { label: "Reading" } });
    this.update();
  }

  update() {
    const hadFocus = this.element.contains(document.activeElement);
    const active = this.reader.id === this.id;
    this.element.replaceChildren(...(active ? [this.reader.paused ? this.resume : this.pause, this.end] : [this.read]));
    if (hadFocus) this.element.firstElementChild.focus();
  }
}
