/* Recordings and audio files: WAV and MP3, which models take. Other formats become WAV. */

import { isMp3Frame, isTaggedMp3, isWav } from "chat/files/kinds";
import { MAX_AUDIO_BYTES, MAX_RECORDING, bytes } from "chat/files/limits";

/** Samples a second: speech needs no more, and models hear no more. */
const RATE = 16_000;
const HEADER = 44;
/** Bytes a second of most MP3 files. */
const MP3_RATE = 16_000;

const isMp3 = (head, type) => isTaggedMp3(head) || (/^audio\/(mpeg|mp3)$/.test(type) && isMp3Frame(head));

/** Whether a file has sound and no picture; `head`: its first 12 bytes. */
export const isAudio = (file, head) => file.type.startsWith("audio/") || isWav(head) || isMp3(head, file.type);

/** The fields {type, size, blob} of an audio file's record. Throws an Error that names the problem. */
export async function preparedAudio(file, head, name) {
  const type = isWav(head) ? "audio/wav" : isMp3(head, file.type) ? "audio/mpeg" : null;
  if (file.size > MAX_AUDIO_BYTES) throw new Error(`${name} is larger than ${bytes(MAX_AUDIO_BYTES)}. Attach a shorter recording${type === "audio/wav" ? ", or save it as MP3" : ""}.`);
  let blob = type && file.slice(0, file.size, type);
  if (!type) {
    try {
      blob = await toWav(file);
    } catch (error) {
      throw error.readable ? new Error(`${name} is ${error.message}`) : new Error(`${name} can't be read as audio. Attach a WAV or MP3 file.`);
    }
  }
  return { type: blob.type, size: blob.size, blob };
}

/** Resolves to about how many seconds the sound of a prepared audio file lasts. */
export async function secondsOf(blob) {
  if (blob.type !== "audio/wav" || blob.size < HEADER) return blob.size / MP3_RATE;
  const rate = new DataView(await blob.slice(0, HEADER).arrayBuffer()).getUint32(28, true);
  return (blob.size - HEADER) / (rate || MP3_RATE);
}

/** Resolves to a WAV blob of anything that the browser can play: one channel, 16 bits, 16,000 samples a second. */
export async function toWav(blob) {
  const sound = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await blob.arrayBuffer());
  if (sound.duration > MAX_RECORDING + 5) {
    throw Object.assign(new Error(`longer than ${MAX_RECORDING / 60} minutes. Save it as MP3 and attach that.`), { readable: true });
  }
  const channels = Array.from({ length: sound.numberOfChannels }, (_, at) => sound.getChannelData(at));
  const view = new DataView(new ArrayBuffer(HEADER + sound.length * 2));
  writeHeader(view, sound.length * 2);
  for (let at = 0; at < sound.length; at += 1) {
    const mixed = channels.reduce((sum, channel) => sum + channel[at], 0) / channels.length;
    view.setInt16(HEADER + at * 2, Math.max(-1, Math.min(1, mixed)) * 0x7fff, true);
  }
  return new Blob([view], { type: "audio/wav" });
}

function writeHeader(view, length) {
  const write = (at, text) => [...text].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
  write(0, "RIFF");
  view.setUint32(4, HEADER - 8 + length, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // bytes of the format
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE * 2, true); // bytes a second
  view.setUint16(32, 2, true); // bytes a sample
  view.setUint16(34, 16, true); // bits a sample
  write(36, "data");
  view.setUint32(40, length, true);
}
