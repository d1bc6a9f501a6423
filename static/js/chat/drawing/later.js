/* Work that may wait, such as colors in code: done in short tasks, between which the page reacts and paints. */

const TASK_MS = 8;
const waiting = [];

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
