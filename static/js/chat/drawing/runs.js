/* Long code in runs of lines, of which the browser lays out only those in view. */

export const LINES_OF_A_RUN = 32;

export function newRun() {
  const run = document.createElement("span");
  run.className = "run";
  return run;
}

/** These nodes of highlighted code in runs; code of few lines as it is. */
export function inRuns(nodes) {
  let run = newRun();
  const runs = [run];
  let lines = 0;
  for (const node of nodes) {
    run.append(node);
    lines += node.textContent.split("\n").length - 1;
    // Colored parts stay whole.
    if (lines < LINES_OF_A_RUN || node.nodeType !== Node.TEXT_NODE || !node.data.includes("\n")) continue;
    const rest = node.splitText(node.data.lastIndexOf("\n") + 1);
    runs.push((run = newRun()));
    run.append(rest);
    lines = 0;
  }
  return runs.length > 1 ? runs : [...run.childNodes];
}
