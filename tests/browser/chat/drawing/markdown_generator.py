"""Random documents in Markdown, nested and hostile, each from a seed; and ways to cut them into pieces."""

import random

__all__ = ["cut", "document"]

TEXT = "alpha beta gamma, delta. epsilon: 12 3 www.example.com https://bare.example/x?y=1 snake_case $5 $HOME é 語"
WORDS = TEXT.split()
INLINE = [
    "{}", "{}", "{}", "*{}*", "**{}**", "_{}_", "__{}__", "***{}***", "~~{}~~", "`{}`", "``a ` {}``",
    "[{}](https://example.com)", '[{}](https://example.com "title")', "[{}][ref]", "[{}][]", "[ref]", "[^note]",
    "![{}](https://evil.example/x.png)", "<https://auto.example/{}>", "<b>{}</b>", "<!-- {} -->", "&amp; &{};",
    "\\*{}\\*", "\\({}_1\\)", "$$x^{}$$", "$x_1 + {}$", "{}  \n", "{}\\\n", "{}\n", "*{}", "**{}", "`{}", "[{}](",
    "~~{}", "<{}", "\\", "|", "!", "$", "\u202e{}", "x" * 40,
]  # fmt: skip
HOSTILE = [
    "<script>window.touched=1</script>", "<img src=x onerror=window.touched=1>", "[x](javascript:window.touched=1)",
    "<div>\n\n</div>", "```", "~~~", "---", "===", "- ", "1. ", "1", "> ", "    ", "\t", "\n", "\n\n", "\n\n\n",
    "| a |", "|---|", "$$", "\\[", "\r\n", "* * *", "[ref]: https://example.com/later", "#", "+", "-\n", "1)\n",
    "|", "\n  ", "``", "***",
]  # fmt: skip


class Writer:
    """Writes one document."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def line(self) -> str:
        parts = []
        for _ in range(self.chance.randint(1, 7)):
            words = " ".join(self.chance.choices(WORDS, k=self.chance.randint(1, 4)))
            parts.append(self.chance.choice(INLINE).replace("{}", words))
        return " ".join(parts)

    def paragraph(self) -> str:
        return "\n".join(self.line() for _ in range(self.chance.randint(1, 4)))

    def heading(self) -> str:
        if self.chance.random() < 0.3:
            return f"{self.line()}\n{self.chance.choice(('===', '---', '-'))}"
        return f"{'#' * self.chance.randint(1, 7)} {self.line()}"

    def fence(self) -> str:
        marker = self.chance.choice(("```", "~~~", "````", "  ```"))
        body = [self.chance.choice(("x = 1", "", "  indented", "```", "<b>", "\tTab", "- no list")) for _ in range(9)]
        end = self.chance.choice((marker, marker, marker, "", "``"))
        return "\n".join([marker + self.chance.choice(("", "py", "js extra", "<x>")), *body, end])

    def table(self) -> str:
        rows = [f"| {self.line()} | {self.chance.choice(WORDS)} |".replace("\n", " ") for _ in range(6)]
        rows[self.chance.randrange(6)] = self.chance.choice(
            ("| one cell", "no pipes", "| a | b | c |", "| `|` | \\| |")
        )
        return "\n".join(["| a | b |", self.chance.choice(("|---|--:|", "| :-: | - |", "|---|")), *rows])

    def items(self, depth: int) -> str:
        ordered = self.chance.random() < 0.4
        gap = self.chance.choice(("\n", "\n", "\n\n"))
        items = []
        for number in range(self.chance.randint(1, 6)):
            bullet = f"{number + self.chance.choice((1, 1, 9))}. " if ordered else self.chance.choice("---*+") + " "
            task = self.chance.choice(("", "", "", "[ ] ", "[x] "))
            inner = self.line() if depth > 2 or self.chance.random() < 0.6 else self.blocks(depth + 1, 2)
            indent = " " * self.chance.choice((len(bullet), len(bullet), 2, 4))
            items.append(bullet + task + inner.replace("\n", "\n" + indent))
        return gap.join(items)

    def quote(self, depth: int) -> str:
        inner = self.paragraph() if depth > 2 else self.blocks(depth + 1, 2)
        lines = inner.split("\n")
        return "\n".join(line if self.chance.random() < 0.1 else f"> {line}" for line in lines)

    def block(self, depth: int) -> str:
        chance = self.chance
        kind = chance.choice(("paragraph", "paragraph", "heading", "fence", "table", "list", "list", "quote", "other"))
        match kind:
            case "paragraph":
                return self.paragraph()
            case "heading":
                return self.heading()
            case "fence":
                return self.fence()
            case "table":
                return self.table()
            case "list":
                return self.items(depth)
            case "quote":
                return self.quote(depth)
        return chance.choice(
            (
                "***", "$$\nx\n$$", "\\[ x \\]", "    indented\n\n    code", "[ref]: https://example.com/later",
                "[^note]: A note.", "Term\n: Definition", "<details>\n<summary>x</summary>\n\ntext\n</details>",
            )
        )  # fmt: skip

    def blocks(self, depth: int, most: int) -> str:
        return "".join(
            self.block(depth) + self.chance.choice(("\n\n", "\n\n", "\n\n", "\n", "\n\n\n"))
            for _ in range(self.chance.randint(1, most))
        )


def document(seed: int) -> str:
    """Return the document of a seed: well-formed blocks, in half of the documents with hostile pieces anywhere."""
    chance = random.Random(seed)
    writer = Writer(chance)
    text = writer.blocks(0, 5)
    if chance.random() < 0.3:  # one kind of block that goes on and on
        text = "\n".join(writer.block(1) for _ in range(3)) + chance.choice(("\n", "\n\n")) + text
    if chance.random() < 0.5:
        for _ in range(chance.randint(1, 5)):
            place = chance.randint(0, len(text))
            text = text[:place] + chance.choice(HOSTILE) + text[place:]
    return text


def cut(text: str, seed: int) -> list[str]:
    """Return the text in pieces whose sizes vary, as those of a provider do."""
    chance = random.Random(f"cut {seed}")
    longest = max(chance.choice((3, 12, 40, 200)), len(text) // 30)
    pieces = []
    while text:
        size = chance.randint(1, longest)
        pieces.append(text[:size])
        text = text[size:]
    return pieces
