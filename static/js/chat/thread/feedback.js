/* Feedback on an answer: good or bad, on request with what was bad and a comment. It goes with the ID of the answer's
   request, without any text of the chat, and is noted with the answer on this device. */

import { $, h, iconButton } from "chat/dom";

const SENT = "Sent with the request's ID and model. The text of this chat isn't sent.";
const REMEDIES = {
  403: "Your feedback wasn't sent. Reload the page, then try again.",
  404: "Your feedback wasn't sent: this answer's request isn't one of your current organization. Switch back to the one that made it.",
};

/** Stores feedback, `{rating, category, comment}`, at `url`, or deletes it with null. Throws an Error that names the remedy. */
export async function sendFeedback(url, feedback) {
  let response;
  try {
    response = await fetch(url, {
      method: feedback ? "POST" : "DELETE",
      headers: { "X-CSRFToken": $("meta[name=csrf-token]")?.content ?? "" },
      body: feedback && new URLSearchParams(feedback),
    });
  } catch {
    throw new Error("Your feedback wasn't sent. Check your connection, then try again.");
  }
  if (response.ok) return;
  const reason = response.status === 400 || response.status === 401 ? (await response.json()).error : REMEDIES[response.status];
  throw new Error(reason ?? "Your feedback wasn't sent. Something went wrong on our side. Try again in a moment.");
}

/** The two buttons, and one for the details once there is a rating. */
export function ratingButtons(message, { rate, details }) {
  const { rating } = message.feedback ?? {};
  const button = (value, label) => {
    const made = iconButton(value === "good" ? "thumb-up" : "thumb-down", label, () => rate(message, value === rating ? null : { rating: value, category: "", comment: "" }));
    made.dataset.act = `rate-${value}`;
    made.setAttribute("aria-pressed", String(value === rating));
    return made;
  };
  return [
    button("good", "Good answer"), button("bad", "Bad answer"),
    rating && h("button.btn.quiet.small", { type: "button", data: { act: "feedback" }, onclick: details },
      message.feedback.category || message.feedback.comment ? "Edit feedback" : "Add details"),
  ].filter(Boolean);
}

/** The form of the details. `send(feedback)` resolves to whether they were sent. */
export function feedbackForm(message, { categories, comment_length: maxLength }, { send, close }) {
  const { rating, category, comment } = message.feedback;
  const id = `feedback-${message.id}`;
  const chips = rating === "bad" && h("fieldset.reasons", {}, h("legend", {}, "What was wrong?"), categories.map(([value, label]) =>
    h("label", {}, h("input", { type: "radio", name: "category", value, checked: value === category }), h("span.chip", {}, label))));
  const area = h("textarea.input", { id, name: "comment", rows: 3, maxLength, dir: "auto" });
  area.value = comment;
  const form = h("form.feedback", { aria: { label: "Feedback details" } }, chips,
    h("div.field", {}, h("label", { for: id }, "Comment ", h("span.optional", {}, "(optional)")), area, h("span.help", {}, SENT)),
    h("div.row", {}, h("button.btn.small", { type: "button", onclick: close }, "Cancel"), h("button.btn.small.primary", {}, "Send feedback")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const sent = await send({ rating, category: form.elements.category?.value ?? "", comment: area.value.trim() });
    if (sent) close();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });
  return form;
}
