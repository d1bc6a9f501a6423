/* The versions of a question or answer: a switcher, and the arrow keys. */

import { h, iconButton } from "chat/dom";

/** Version switcher: ‹ 2/3 › */
export function pager(versions, shown, select, kind) {
  if (versions.length < 2) return null;
  const at = versions.indexOf(shown);
  const step = (by, label, name) => {
    const button = iconButton(name, label, () => select(versions[at + by]));
    button.disabled = !versions[at + by];
    return button;
  };
  return h("span.versions", { role: "group", aria: { label: `Versions of this ${kind}`, keyshortcuts: "ArrowLeft ArrowRight" } },
    step(-1, `Previous version of this ${kind}`, "chevron-left"), h("span.num", {}, `${at + 1}/${versions.length}`),
    step(1, `Next version of this ${kind}`, "chevron-right"));
}

/** Makes the left and right arrow keys switch versions while the message or its switcher has the focus. */
export function pageByArrows(article) {
  article.tabIndex = 0;
  article.addEventListener("keydown", (event) => {
    const at = ["ArrowLeft", "ArrowRight"].indexOf(event.key);
    if (at < 0 || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target !== article && !event.target.closest(".versions")) return;
    event.preventDefault();
    article.querySelectorAll(".versions > button")[at]?.click(); // a disabled button does nothing
  });
}

/** Gives a version what its neighbor had: the focus on the switcher's button, or on the message. */
export function focusVersion(article, label) {
  const [before, after] = article.querySelectorAll(".versions > button");
  const [button, other] = after?.getAttribute("aria-label") === label ? [after, before] : [before, after];
  const target = label && button ? (button.disabled ? other : button) : article;
  target.focus({ preventScroll: true });
}
