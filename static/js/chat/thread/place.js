/* Where in a chat the reader is: {message, part, offset}, the uppermost part in view and how far its top is below the
   top of the view, in pixels. Parts are the paragraphs, lists, … of an answer, and parts of long ones: their heights may
   differ, they do not. */

const partsOf = (turn) => [...turn.querySelectorAll(":scope > .answer-text > .blk > :not(.whole), :scope > .answer-text .whole .part")];

/** The reader's place; null if nothing is shown. */
export function placeIn(scroller) {
  const { top } = scroller.getBoundingClientRect();
  const isInView = (element) => element.getBoundingClientRect().bottom > top;
  const turn = [...scroller.querySelectorAll(".turn")].find((each) => each.offsetParent && isInView(each));
  if (!turn) return null;
  const parts = partsOf(turn);
  const part = parts.findIndex(isInView);
  return { message: turn.dataset.id, part, offset: Math.round((parts[part] ?? turn).getBoundingClientRect().top - top) };
}

const frame = () => new Promise(requestAnimationFrame);

/** Scrolls to a place, if its message is shown. Resolves once it stays there. */
export async function scrollToPlace(scroller, { message, part, offset }) {
  const turn = scroller.querySelector(`.turn[data-id="${CSS.escape(message)}"]`);
  if (!turn) return;
  const element = partsOf(turn)[part] ?? turn;
  const scroll = () => {
    scroller.scrollTop += element.getBoundingClientRect().top - scroller.getBoundingClientRect().top - offset;
  };
  scroll();
  for (let again = 0; again < 2; again += 1) {
    await frame(); // what has come into view gets its real height
    scroll();
  }
}
