"""Facts in a prompt that can fill a form: places, names, numbers, addresses, dates, quoted words."""

import re
from functools import cached_property

from sandbox.providers.writer.topic import topic_of

__all__ = ["Hints"]

_PROPER = r"[A-ZÀ-Þ][\w'’-]+(?:\s+(?:de|la|le|of|the)?\s*[A-ZÀ-Þ][\w'’-]+)*"
_NOT_NAMES = {
    "What", "Who", "Where", "When", "Which", "Why", "How", "Please", "Can", "Could", "The", "This", "That", "Use",
    "Give", "Tell", "Write", "Return", "Extract", "Create", "Make", "Find", "Get", "Show", "List", "And", "For", "Call",
    "JSON", "I", "My", "Is", "Are", "Do", "Does", "Celsius", "Fahrenheit", "Generate", "Book", "Schedule", "Search",
}  # fmt: skip


class Hints:
    """What a prompt offers to whoever fills in a form."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def topic(self) -> str:
        return topic_of(self.text) or "an example"

    @cached_property
    def places(self) -> list[str]:
        """Proper names after in, at, near, from, to; after for and of when there are none."""
        return self._after("in|at|near|from|to") or self._after("for|of")

    def _after(self, words: str) -> list[str]:
        joined = r"(?:,\s*and\s+|,\s*|\s+and\s+|\s+or\s+)"
        runs = re.findall(rf"\b(?:{words})\s+({_PROPER}(?:{joined}{_PROPER})*)", self.text)
        return [place for run in runs for place in re.split(joined, run) if place]

    @cached_property
    def names(self) -> list[str]:
        """Proper names of any kind."""
        found = (" ".join(w for w in name.split() if w not in _NOT_NAMES) for name in re.findall(_PROPER, self.text))
        return [name for name in found if name]

    @cached_property
    def quoted(self) -> list[str]:
        return [a or b for a, b in re.findall(r"\"([^\"\n]{1,200})\"|[“']([^”'\n]{2,200})[”'](?!\w)", self.text)]

    @cached_property
    def numbers(self) -> list[float]:
        return [float(n.replace(",", "")) for n in re.findall(r"(?<![\w.-])-?\d[\d,]*(?:\.\d+)?(?![\w-])", self.text)]

    @cached_property
    def emails(self) -> list[str]:
        return re.findall(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", self.text)

    @cached_property
    def urls(self) -> list[str]:
        return [url.rstrip(".,;)") for url in re.findall(r"https?://\S+", self.text)]

    @cached_property
    def dates(self) -> list[str]:
        return re.findall(r"\b\d{4}-\d{2}-\d{2}\b", self.text)

    @cached_property
    def times(self) -> list[str]:
        return re.findall(r"\b\d{1,2}:\d{2}(?::\d{2})?\b", self.text)

    @cached_property
    def enumerated(self) -> list[str]:
        """The things of the longest list in a sentence: apples, pears and plums."""
        runs = re.findall(r"[\w'-]+(?:,\s+[\w'-]+(?: [\w'-]+)??)+(?:,?\s+(?:and|or)\s+[\w'-]+)?", self.text)
        lists = [re.split(r",\s+(?:and\s+|or\s+)?|\s+and\s+|\s+or\s+", run) for run in runs]
        return max(lists, key=len, default=[])

    def number_near(self, name: str) -> float | None:
        """The number beside the word `name`, or None."""
        word = re.escape(name.replace("_", " "))
        near = re.search(
            rf"\b{word}s?\W+(?:\w+\W+){{0,2}}?(-?\d+(?:\.\d+)?)|(-?\d+(?:\.\d+)?)\W+{word}", self.text, re.I
        )
        if near:
            return float(near[1] or near[2])
        if name.lower() == "age" and (old := re.search(r"\b(\d{1,3})[ -]years?", self.text)):
            return float(old[1])
        return None

    def mentioned(self, choices: list[object]) -> object | None:
        """The first of `choices` that the prompt names, or None."""
        for choice in choices:
            if isinstance(choice, str) and re.search(rf"\b{re.escape(choice)}\b", self.text, re.IGNORECASE):
                return choice
        return None
