/* What the formats have in common: lines of bounded length, Markdown tables and CSV. */

/** Lines of text that must not become longer than a limit. */
export class Lines {
  #lines = [];
  #left;

  constructor(limit) {
    this.#left = limit;
  }

  /** Adds a line. Throws a RangeError once all of them are too long. */
  add(line) {
    this.#left -= line.length + 1;
    if (this.#left < 0) throw new RangeError("The text is too long.");
    this.#lines.push(line);
  }

  /** Adds a table; `rows` are lists of the cells' texts. */
  addTable(rows) {
    rows.forEach((row, at) => {
      this.add(`| ${row.map((cell) => cell.replace(/\s+/g, " ").replace(/\|/g, "\\|").trim()).join(" | ")} |`);
      if (at === 0) this.add(`|${" --- |".repeat(row.length)}`);
    });
    this.add("");
  }

  toString() {
    return this.#lines.join("\n").trim();
  }
}

/** A line of CSV. */
export const csv = (cells) => cells.map((value) => (/[",\n\r]/.test(value) ? `"${value.replace(/"/g, '""')}"` : value)).join(",");
