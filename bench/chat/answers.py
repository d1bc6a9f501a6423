"""Long answers as models write them: texts in Markdown, the same on every run."""

import random
from collections.abc import Iterator
from itertools import pairwise

__all__ = ["TEXTS", "pieces"]

VOCABULARY = """
the a of and to in is that it for with as on by this be or from are which one all may time when can more other request
model answer token price provider stream value result function memory table number point system cache process message
order error limit first second small large simple common different possible available between balance measure latency
throughput connection database transaction browser document paragraph interval
"""
WORDS = VOCABULARY.split()


def words(chance: random.Random, many: int) -> str:
    return " ".join(chance.choices(WORDS, k=many))


def sentence(chance: random.Random) -> str:
    said = words(chance, chance.randint(7, 22))
    decorated = chance.choice(
        ("{}", "{}", "{}", "{} **{}**", "{} `{}`", "{} *{}*", "{} [{}](https://example.com/page)", "{} $x_1 = {}$")
    ).format(said, chance.choice(WORDS))
    return decorated[0].upper() + decorated[1:] + "."


def paragraph(chance: random.Random, sentences: int) -> str:
    return " ".join(sentence(chance) for _ in range(sentences))


def bullets(chance: random.Random, many: int, depth: int = 0) -> str:
    lines = []
    for _ in range(many):
        lines.append(f"{'  ' * depth}- {sentence(chance)}")
        if depth < 2 and chance.random() < 0.25:
            lines.append(bullets(chance, 3, depth + 1))
    return "\n".join(lines)


def table(chance: random.Random, rows: int) -> str:
    body = [
        f"| {chance.choice(WORDS)} | `{chance.choice(WORDS)}` | {words(chance, 5)} | {row} |" for row in range(rows)
    ]
    return "\n".join(["| Name | Field | Meaning | Number |", "| --- | --- | --- | ---: |", *body])


def lines_of_code(chance: random.Random, many: int) -> str:
    lines: list[str] = []
    while len(lines) < many:
        name, argument, other = chance.sample(WORDS, 3)
        lines += [
            f"def {name}_{len(lines)}({argument}, {other}=None):",
            f'    """{sentence(chance)}"""',
            f"    if {argument} > {chance.randint(1, 999)}:",
            f'        return [{argument} for {argument} in {other} if {argument} != "{chance.choice(WORDS)}"]',
            f"    return {other} or {argument} * {chance.randint(1, 99)}  # {words(chance, 4)}",
            "",
        ]
    return "\n".join(lines[:many])


def formula(chance: random.Random) -> str:
    return (
        f"$$\n\\sum_{{k=1}}^{{{chance.randint(2, 99)}}} \\frac{{x_k^2}}{{{chance.randint(2, 9)}}} \\leq \\sqrt{{y}}\n$$"
    )


def section(chance: random.Random, number: int) -> Iterator[str]:
    yield f"## {number}. {words(chance, 4).capitalize()}"
    yield paragraph(chance, chance.randint(3, 9))
    kind = number % 5
    if kind == 1:
        yield bullets(chance, 8)
    elif kind == 2:
        yield table(chance, chance.randint(5, 25))
    elif kind == 3:
        yield f"```python\n{lines_of_code(chance, chance.choice((12, 30, 230)))}\n```"
    elif kind == 4:
        yield formula(chance)
        yield "\n".join(f"{step}. {sentence(chance)}" for step in range(1, 7))
    yield paragraph(chance, chance.randint(2, 5))


def mixed(chance: random.Random) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        for part in section(chance, number):
            yield part + "\n\n"


def code(chance: random.Random) -> Iterator[str]:
    yield "```python\n"
    while True:
        yield lines_of_code(chance, 60) + "\n"


def endless_paragraph(chance: random.Random) -> Iterator[str]:
    while True:
        yield sentence(chance) + " "


def endless_table(chance: random.Random) -> Iterator[str]:
    yield table(chance, 1) + "\n"
    while True:
        yield table(chance, 40).split("\n", 2)[2] + "\n"


def endless_list(chance: random.Random) -> Iterator[str]:
    while True:
        yield bullets(chance, 10) + "\n"


#: Name -> what the text is made of. "mixed" is an ordinary long answer; the others are one block that never ends.
TEXTS = {
    "mixed": mixed,
    "code": code,
    "paragraph": endless_paragraph,
    "table": endless_table,
    "list": endless_list,
}


def pieces(name: str, length: int, many: int) -> list[str]:
    """Return a text of about `length` characters in `many` pieces of nearly the same size."""
    parts: list[str] = []
    size = 0
    for part in TEXTS[name](random.Random(name)):
        parts.append(part)
        size += len(part)
        if size >= length:
            break
    text = "".join(parts)[:length]
    cuts = [round(at * length / many) for at in range(many + 1)]
    return [text[start:end] for start, end in pairwise(cuts)]
