"""Words of a prompt that can fill a form: its topic, and the places it names."""

import re

from sandbox.providers.writer.topic import topic_of

__all__ = ["Hints"]

_PROPER = r"[A-ZÀ-Þ][\w'’-]+(?:\s[A-ZÀ-Þ][\w'’-]+)*"
_AND = r"(?:,\s*and\s+|,\s*|\s+and\s+|\s+or\s+)"
_PLACES = re.compile(rf"\b(?:in|at|near|from|to|for|of)\s+({_PROPER}(?:{_AND}{_PROPER})*)")


class Hints:
    """The words of one prompt."""

    def __init__(self, text: str) -> None:
        self.topic = topic_of(text) or "an example"
        runs = _PLACES.findall(text)
        self.places = list(dict.fromkeys(place for run in runs for place in re.split(_AND, run)))

    def only_at(self, place: str) -> "Hints":
        """The same with one place."""
        one = Hints("")
        one.topic, one.places = self.topic, [place]
        return one
