/* Work that may wait, such as colors in code: done in short tasks, between which the page reacts and paints. */

const TASK_MS = 8;
/** Time of a task that is being done in which such work needs not wait: what is drawn complete is laid out once. */
const NOW_MS = 10;
const waiting = [];
let spent = 0;

/** Does `work` now if there is time, else soon, after what was given before. */
export function nowOrLater(work) {
  if (spent >= NOW_MS || waiting.length) {
    later(work);
    return;
  }
  if (!spent) queueMicrotask(() => { spent = 0; });
  const began = performance.now();
  work();
  spent += Math.max(0.01, performance.now() - began);
}

/** Does `work` soon, after what was given before. */
export function later(work) {
  if (waiting.push(work) === 1) setTimeout(run);
}

function run() {
  const began = performance.now();
  while (waiting.length && performance.now() - began < TASK_MS) {
    waiting[0]();
    waiting.shift();
  }
  if (waiting.length) setTimeout(run);
}
