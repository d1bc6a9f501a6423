"""The programs of the documentation: code fences in languages that run, but for those marked `no-run`."""

from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt

from documentation.rendering.markdown import language_of

__all__ = ["NO_RUN", "RUNNABLE", "Sample", "samples_in"]

RUNNABLE = ("shell", "python", "typescript")
#: The word after a fence's language that says that the code is a part of a program, or needs packages of its own.
NO_RUN = "no-run"


@dataclass(frozen=True)
class Sample:
    """A program. `number` counts the samples of its page."""

    page: str
    number: int
    language: str
    code: str
    runs: bool


def samples_in(page: str, markdown: str) -> Iterator[Sample]:
    """Yield the programs of a page."""
    tokens = MarkdownIt("commonmark").parse(markdown)
    fences = [token for token in tokens if token.type == "fence" and language_of(token.info) in RUNNABLE]
    for number, fence in enumerate(fences, 1):
        yield Sample(page, number, language_of(fence.info), fence.content, NO_RUN not in fence.info.split())
