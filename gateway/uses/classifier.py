"""Classifying a text by its words: terms that are typical of a use add up, and a clear winner is the use.

The same text always has the same use. A term counts once, however often it occurs.
"""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from .terms import PATTERNS, TERMS

__all__ = ["LEAD", "LEAST", "classify", "scores"]

#: The least score of a clear use, and how many times the score of any other use it must have.
LEAST, LEAD = 4, 1.5

_WORD = re.compile(r"[^\W_]+[+#]*")


def _words(text: str) -> list[str]:
    """Return the words of a text in lower case, those with more than three letters without the s of a plural."""
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in _WORD.findall(text)]


def _weights() -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for use, by_weight in TERMS.items():
        for weight, terms in by_weight.items():
            for term in terms.split(","):
                found.setdefault(" ".join(_words(term)), []).append((use, weight))
    return found


#: (use, weight) by term, as `_words` writes it.
_WEIGHTS = _weights()
_BEGINNINGS = frozenset(term.partition(" ")[0] for term in _WEIGHTS if " " in term)


def classify(text: str) -> str:
    """Return the use of the text; empty if no use is clear."""
    found = scores(text)
    if not found:
        return ""
    use, score = max(found.items(), key=lambda each: (each[1], each[0]))
    others = [other for name, other in found.items() if _family(name) != _family(use)]
    return use if score >= LEAST and score >= LEAD * max(others, default=0) else ""


def scores(text: str) -> Counter[str]:
    """Return the sum of the weights by use, of each term and pattern that occurs."""
    folded = text.casefold()
    words = _words(folded)
    found: Counter[str] = Counter()
    for term in {*_single(words), *_double(words)}:
        for use, weight in _WEIGHTS[term]:
            found[use] += weight
    for pattern, use, weight in PATTERNS:
        if pattern.search(folded):
            found[use] += weight
    return found


def _single(words: Iterable[str]) -> Iterable[str]:
    return (word for word in words if word in _WEIGHTS)


def _double(words: Iterable[str]) -> Iterable[str]:
    pairs = (f"{first} {second}" for first, second in pairwise(words) if first in _BEGINNINGS)
    return (pair for pair in pairs if pair in _WEIGHTS)


def _family(use: str) -> str:
    """Return the use that this one is a part of, or itself: a part does not compete with the whole."""
    return use.partition("/")[0]
