/* Records from the microphone, as a file for models that take audio. */

import { $, announce, h, icon, iconButton, toast } from "chat/dom";
import { toWav } from "chat/files/audio";
import { MAX_RECORDING } from "chat/files/limits";

const REFUSALS = {
  NotAllowedError: "Microphone access is blocked. Allow it for this site in your browser's settings, then try again.",
  NotFoundError: "No microphone found. Connect one, then try again.",
};
const TICK = 100;

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const stamp = () => new Date().toLocaleTimeString("en-GB").replaceAll(":", "-");

export class Recorder {
  #recording = null; // {stream, media, sound, timer, began, kept}

  /** `attach(file)` takes a finished recording; `onchange(active)` is called when it starts and ends. */
  constructor({ attach, onchange }) {
    Object.assign(this, { attach, onchange });
    this.button = $("#record");
    this.bar = $("#recorder");
    this.time = h("span.num", {});
    this.level = h("meter.meter", { min: 0, max: 1, value: 0, aria: { label: "Level" } });
    this.done = h("button.btn.small.primary", { type: "button", onclick: () => this.#stop(true) }, icon("check"), "Attach");
    this.bar.append(h("span.dot", { aria: { hidden: "true" } }), h("span", {}, "Recording"), this.time, this.level,
      iconButton("trash", "Discard recording", () => this.#stop(false), "button.btn.small.quiet"), this.done);
    this.bar.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.#stop(false);
    });
    this.button.addEventListener("click", () => this.#start());
  }

  /** Whether it records, or is about to. */
  active = false;

  /** Shows the button where a model takes audio and the browser can record. */
  offer(wanted) {
    this.button.hidden = !wanted || !navigator.mediaDevices?.getUserMedia || !window.MediaRecorder || this.active;
  }

  async #start() {
    if (this.active) return;
    this.#set(true);
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true } });
    } catch (error) {
      this.#set(false);
      toast(REFUSALS[error.name] ?? "Couldn't use the microphone. Close other apps that use it, then try again.", "warn");
      return;
    }
    const media = new MediaRecorder(stream);
    const chunks = [];
    const recording = { stream, media, sound: listen(stream), began: performance.now(), kept: true };
    media.addEventListener("dataavailable", ({ data }) => chunks.push(data));
    media.addEventListener("stop", () => this.#finish(recording, new Blob(chunks, { type: media.mimeType })));
    this.#recording = recording;
    recording.timer = setInterval(() => this.#tick(), TICK);
    media.start(1000);
    this.bar.hidden = false;
    this.#tick();
    this.done.focus();
    announce("Recording.");
  }

  /** Discards a recording that is running. */
  discard() {
    this.#stop(false);
  }

  #tick() {
    const { began, sound } = this.#recording;
    const seconds = (performance.now() - began) / 1000;
    this.time.textContent = `${clock(seconds)} / ${clock(MAX_RECORDING)}`;
    this.level.value = sound.level();
    if (seconds < MAX_RECORDING) return;
    this.#stop(true);
    toast(`The recording was stopped at ${MAX_RECORDING / 60} minutes and attached.`);
  }

  #stop(kept) {
    if (!this.#recording) return;
    this.#recording.kept = kept;
    if (this.#recording.media.state === "inactive") return; // it ended before, as when the device was unplugged
    this.#recording.media.stop();
  }

  async #finish({ stream, sound, timer, kept }, blob) {
    clearInterval(timer);
    for (const track of stream.getTracks()) track.stop();
    sound.close();
    this.#recording = null;
    this.bar.hidden = true;
    try {
      if (kept) await this.attach(new File([await toWav(blob)], `recording-${stamp()}.wav`, { type: "audio/wav" }));
      announce(kept ? "Recording attached." : "Recording discarded.");
    } catch {
      toast("The recording is empty or can't be read. Record it again.", "warn");
    } finally {
      this.#set(false);
    }
  }

  #set(active) {
    this.active = active;
    this.onchange(active);
  }
}

/** {level(), close()}: how loud a stream is now, from 0 to 1. */
function listen(stream) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return {
    level() {
      analyser.getFloatTimeDomainData(samples);
      return samples.reduce((loudest, sample) => Math.max(loudest, Math.abs(sample)), 0);
    },
    close: () => context.close(),
  };
}
