"""Lines of text in several scripts, cut into runs for writing."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from fpdf.bidi import BidiParagraph

__all__ = ["JOINERS", "Run", "runs_of"]

#: Invisible characters that join the letters beside them, or keep them apart.
JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one font in one direction, in the order of reading."""

    text: str
    font: str
    right_to_left: bool = False


def runs_of(text: str, font_of: Callable[[str, str], str]) -> list[Run]:
    """Return the runs of a line from left to right, by the Unicode bidirectional algorithm.

    `font_of` names the font of a character, given the font of the character before it. Time grows with the square of
    the length: cut long texts.
    """
    font, placed = "", []
    for char in BidiParagraph(text, preserve_bn_chars=True).get_characters():
        font = font_of(char.character, font)
        placed.append((char.embedding_level, font, char.character))
    runs = [
        (level, Run("".join(char for _, _, char in chars), font, right_to_left=level % 2 == 1))
        for (level, font), chars in groupby(placed, key=lambda each: each[:2])
    ]
    # Rule L2: from the highest level to the lowest odd one, reverse what stands at that level or above.
    for level in range(max((level for level, _ in runs), default=0), 0, -1):
        runs = [
            run
            for is_within, group in groupby(runs, key=lambda each: each[0] >= level)
            for run in (reversed(list(group)) if is_within else group)
        ]
    return [run for _, run in runs]
