/** How many leading tokens can no longer change, whatever follows. */
export function settledCount(tokens) {
  for (let at = tokens.length - 2; at > 0; at -= 1) {
    const [before, space, after] = [tokens[at - 1], tokens[at], tokens[at + 1]];
    if (space.type !== "space" || !/\n\n/.test(before.raw.slice(-1) + space.raw) || !/^\S/.test(after.raw)) continue;
    // A "2" after a list may become "2. …", which belongs to the list.
    if (before.type === "list" && after.raw.length < 12 && !after.raw.includes("\n")) continue;
    return at + 1;
  }
  return 0;
}
