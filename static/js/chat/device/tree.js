/* A conversation is a tree of messages by `parent`: regenerating and editing add siblings and overwrite nothing.
   A question's answers are in slots, one per model asked side by side; the answers of one slot are its versions.
   Pure functions over a Map of messages by id. */

/** Messages with this parent, oldest first. */
export function childrenOf(messages, parent) {
  return [...messages.values()].filter((message) => message.parent === parent).sort((a, b) => a.created - b.created);
}

/** Messages from the first to `leaf`. */
export function pathTo(messages, leaf) {
  const path = [];
  const seen = new Set();
  for (let message = messages.get(leaf); message && !seen.has(message.id); message = messages.get(message.parent)) {
    seen.add(message.id);
    path.unshift(message);
  }
  return path;
}

/** Id of the last message after `id`, following the newest child each time. */
export function deepest(messages, id) {
  const byParent = new Map();
  for (const message of messages.values()) {
    const known = byParent.get(message.parent);
    if (!known || known.created < message.created) byParent.set(message.parent, message);
  }
  for (let next = byParent.get(id); next; next = byParent.get(id)) id = next.id;
  return id;
}

/** A message and all that follow it, on every branch. */
export function withFollowing(messages, message) {
  const found = [message];
  for (const { id } of found) found.push(...childrenOf(messages, id));
  return found;
}

/** The version of a question or answer that takes its place: the next one, else the one before; undefined without any. */
export function neighborOf(messages, message) {
  const versions = childrenOf(messages, message.parent).filter(({ role, slot }) => role === message.role && slot === message.slot);
  const at = versions.indexOf(message);
  return versions[at + 1] ?? versions[at - 1];
}

/** Turns on the path to `leaf`: `{question, versions, columns: [{slot, versions, shown}]}`; `versions` are
    the question's siblings. */
export function turnsTo(messages, leaf) {
  const path = pathTo(messages, leaf);
  const onPath = new Set(path.map((message) => message.id));
  const children = new Map();
  for (const message of messages.values()) {
    if (!children.has(message.parent)) children.set(message.parent, []);
    children.get(message.parent).push(message);
  }
  for (const siblings of children.values()) siblings.sort((a, b) => a.created - b.created);
  return path.filter((message) => message.role === "user").map((question) => ({
    question,
    versions: (children.get(question.parent) ?? []).filter((message) => message.role === "user"),
    columns: columnsOf(question, children.get(question.id) ?? [], onPath),
  }));
}

function columnsOf(question, answers, onPath) {
  const slots = new Map();
  for (const answer of answers.filter((message) => message.role === "assistant")) {
    if (!slots.has(answer.slot)) slots.set(answer.slot, []);
    slots.get(answer.slot).push(answer);
  }
  return [...slots].sort(([a], [b]) => a - b).map(([slot, versions]) => ({
    slot,
    versions,
    shown:
      versions.find((answer) => onPath.has(answer.id)) ??
      versions.find((answer) => answer.id === question.shown?.[slot]) ??
      versions.at(-1),
  }));
}

const says = (answer) => answer.text || answer.images?.length;

/** The answer of a turn to send to `model` as history: the one that all models go on from, if that was chosen (its slot
    is the question's `basis`), else its own, else the one in its slot, else any. */
export function answerFor(turn, model, slot) {
  const shown = turn.columns.map((column) => column.shown);
  return (
    shown.find((answer) => answer.slot === turn.question.basis && says(answer)) ??
    shown.find((answer) => answer.model === model && says(answer)) ??
    shown.find((answer) => answer.slot === slot && says(answer)) ??
    shown.find(says)
  );
}
