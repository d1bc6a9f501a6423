/* Small changes instead of new elements: a reader's selection, focus and scroll position stay where they were, and the
   browser lays out and paints only what differs. */

import { codeCard, wrapCode } from "chat/drawing/code";

/** Makes the children of `target` those of `source`, whose nodes may move. Code becomes cards, which stay as they are
    while their code grows. */
export function patch(target, source) {
  let old = target.firstChild;
  for (const fresh of [...source.childNodes]) {
    const next = old?.nextSibling ?? null;
    if (!old) target.append(prepared(fresh));
    else if (!isPatched(old, fresh)) old.replaceWith(prepared(fresh));
    old = next;
  }
  while (old) {
    const next = old.nextSibling;
    old.remove();
    old = next;
  }
}

function isPatched(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE && fresh.nodeType === Node.TEXT_NODE) {
    if (old.data === fresh.data) return true;
    if (fresh.data.startsWith(old.data)) old.appendData(fresh.data.slice(old.length));
    else old.data = fresh.data;
    return true;
  }
  if (fresh.localName === "pre" && old.classList?.contains("code")) {
    const [code, grown] = [old.querySelector("code"), fresh.firstElementChild];
    if (code.className !== grown.className) return false;
    patch(code, grown);
    return true;
  }
  if (old.nodeType !== Node.ELEMENT_NODE || old.localName !== fresh.localName || !haveSameAttributes(old, fresh)) return false;
  patch(old, fresh);
  return true;
}

function haveSameAttributes(one, other) {
  return one.attributes.length === other.attributes.length && [...one.attributes].every(({ name, value }) => other.getAttribute(name) === value);
}

/** The node, or the card that takes its place. */
function prepared(node) {
  if (node.localName === "pre") return codeCard(node);
  if (node.nodeType === Node.ELEMENT_NODE) wrapCode(node);
  return node;
}
