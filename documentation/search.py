"""Search in the documentation: the sections whose title, heading and text have every word of the query."""

import re
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from .library import Library

__all__ = ["LONGEST_QUERY", "Hit", "found"]

LONGEST_QUERY = 200
MOST = 20
#: Characters of text around the first hit.
_BEFORE, _AFTER = 60, 160
_INDEXES: "WeakKeyDictionary[Library, tuple[_Entry, ...]]" = WeakKeyDictionary()


@dataclass(frozen=True)
class Hit:
    """A section that was found. `excerpt` is HTML with the words marked."""

    url: str
    page: str
    title: str
    excerpt: SafeString


@dataclass(frozen=True)
class _Entry:
    url: str
    page: str
    title: str
    text: str
    page_words: str
    title_words: str
    words: str


def found(library: Library, query: str) -> list[Hit]:
    """Return the best sections first, at most 20; of equally good ones the earlier in the documentation."""
    words = [
        word
        for each in query[:LONGEST_QUERY].lower().split()
        if (word := each.strip(".,:;?!\"'()")) and re.search(r"[^\W_]", word)
    ]
    if not words:
        return []
    scored = [(score, entry) for entry in _entries(library) if (score := _score(entry, words))]
    scored.sort(key=lambda each: -each[0])
    pattern = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)), re.IGNORECASE)
    return [Hit(entry.url, entry.page, entry.title, _excerpt(entry.text, pattern)) for _, entry in scored[:MOST]]


def _entries(library: Library) -> tuple[_Entry, ...]:
    """Return the sections of all pages, which are gathered once for each library."""
    if library not in _INDEXES:
        _INDEXES[library] = tuple(
            _Entry(
                url=page.url + (f"#{section.anchor}" if section.anchor else ""),
                page=page.title,
                title=section.title,
                text=section.text if section.anchor else f"{page.summary} {section.text}",
                page_words=page.title.lower(),
                title_words=section.title.lower(),
                words=f"{section.text} {'' if section.anchor else page.summary}".lower(),
            )
            for page in library.pages
            for section in page.content.sections
        )
    return _INDEXES[library]


def _score(entry: _Entry, words: list[str]) -> int:
    """Return how well the section fits; 0 if it lacks a word."""
    total = 0
    for word in words:
        score = (
            8 * (word in entry.title_words)
            + (0 if entry.title else 10) * (word in entry.page_words)
            + (word in entry.page_words)
            + min(3, entry.words.count(word))
        )
        if not score:
            return 0
        total += score
    return total


def _excerpt(text: str, pattern: re.Pattern[str]) -> SafeString:
    first = pattern.search(text)
    start = max(0, first.start() - _BEFORE) if first else 0
    start = text.rfind(" ", 0, start) + 1 if start else 0
    end = min(len(text), start + _BEFORE + _AFTER)
    end = max(text.rfind(" ", start, end), start + 1) if end < len(text) else end
    shown = text[start:end]
    parts, at = [], 0
    for hit in pattern.finditer(shown):
        parts += [escape(shown[at : hit.start()]), "<mark>", escape(hit.group()), "</mark>"]
        at = hit.end()
    parts.append(escape(shown[at:]))
    return mark_safe(("… " if start else "") + "".join(parts) + (" …" if end < len(text) else ""))  # noqa: S308 escaped
