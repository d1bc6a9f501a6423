/* How an answer ended: words for its error, or what it took and cost. */

import { duration } from "chat/dates";
import { h } from "chat/dom";
import { costOf, pico, usd } from "chat/money";

/** Title and advice for the error of an answer: {title, hint}. */
export function describeError({ status, error_type: type, retry_after: after }) {
  if (status === 0) return { title: "Interrupted" };
  if (status === 401) return { title: "You're signed out" };
  if (status === 402) return { title: "Not enough credits", hint: "You can use free models without credits." };
  if (type === "context_length_exceeded") return { title: "This chat exceeds the model's context window", hint: "Choose a model with a larger context, or start a new chat." };
  if (status === 413) return { title: "Message too large" };
  if (status === 429) return { title: "Too many requests", hint: after ? `Try again in ${after} s.` : "Try again in a moment." };
  if (status === 404) return { title: "No provider can serve this request", hint: "Check your privacy settings, parameters and attachments." };
  if (type === "server") return { title: "Something went wrong on our side", hint: "Your message is still here. Try again in a moment." };
  if (status >= 500) return { title: "Provider error", hint: "Your message is still here. Try again or choose another model." };
  return { title: "Request failed" };
}

/** The shortest time in which a speed can be told: what arrives at once was not made at once. */
const SPEED_MS = 100;

/** "412 tokens · 68 tok/s · 0.7 s to first token · $0.0062", which expands to all details. */
export function metaView(message) {
  const { meta, earlier = [] } = message;
  if (!meta?.usage) return null;
  const { usage, cost, latency_ms: latency, duration_ms: took } = meta;
  const speed = took - latency >= SPEED_MS && usage.completion_tokens && !usage.image_tokens ? Math.round((usage.completion_tokens * 1000) / (took - latency)) : null;
  const amount = usd(costOf(message));
  const tokens = earlier.reduce((sum, part) => sum + part.tokens, usage.completion_tokens);
  const facts = [`${tokens.toLocaleString("en")} tokens`, speed && `${speed} tok/s`, `${duration(latency)} to first token`, amount];
  const rows = [
    ["Prompt", `${usage.prompt_tokens.toLocaleString("en")} tokens${usage.cached_tokens ? `, ${usage.cached_tokens.toLocaleString("en")} of them cached` : ""}`],
    ["Answer", `${usage.completion_tokens.toLocaleString("en")} tokens${usage.reasoning_tokens ? `, ${usage.reasoning_tokens.toLocaleString("en")} of them reasoning` : ""}${usage.image_tokens ? `, ${usage.image_tokens.toLocaleString("en")} of them images` : ""}${usage.estimated ? " (estimated)" : ""}`],
    ["Web searches", meta.web_searches && `${meta.web_searches}`],
    ["Cost", usd(pico(cost), { exact: true })],
    ...earlier.map((part) => ["Earlier part", h("span", {}, h("a.link", { href: `/activity/${part.generation_id}` }, usd(pico(part.cost), { exact: true })))]),
    ["Model", meta.model],
    ["Provider", meta.simulated ? `${meta.provider} (simulated)` : meta.provider],
    ["Time to first token", duration(latency)],
    ["Total time", duration(took)],
    ["Request", h("a.link", { href: `/activity/${meta.generation_id}` }, meta.generation_id)],
  ];
  return h("details.meta", {}, h("summary.num", {}, facts.filter(Boolean).join(" · ")),
    h("dl.dl", {}, rows.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}
