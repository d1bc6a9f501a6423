"""Answers of an exact number of tokens, for counting and for measuring."""

from itertools import cycle, islice

from sandbox.providers.answer import Answer
from sandbox.providers.prompts import tokens

__all__ = ["exact_answer"]

# Each word is one token.
_WORDS = tokens.split(
    " a quiet river carries small boats past the old mill while people on both banks wave and someone sings about"
    " rain wind bread stone light summer winter roads letters windows gardens clouds bridges lamps orchards"
)


def exact_answer(count: int) -> Answer:
    """An answer of exactly `count` tokens of text."""
    return Answer(list(islice(cycle(_WORDS), count)))
