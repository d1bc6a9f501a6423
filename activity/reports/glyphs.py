"""Runs of text as glyphs, shaped by HarfBuzz, so that they look right and are copied in the order of reading.

Readers of PDFs take the text of a document from its glyphs, from left to right, and reverse Arabic and Hebrew. Of a
letter's glyphs, those that take room carry its characters. Marks and dots carry none; they are drawn afterwards.
"""

from codecs import BOM_UTF16_BE
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from fpdf.bidi import BIDI_BRACKETS
from fpdf.enums import TextDirection

from .runs import JOINERS, Run

__all__ = ["operators", "width"]

_NOTHING = "\u200b"  # the character of glyphs without any: a reader that finds none makes one up


class _Glyph(NamedTuple):
    """A glyph at `x` and `y` from the start of its run, in thousandths of the font's size, like `width`."""

    number: int
    cluster: int  # the index of its first character
    x: float
    y: float
    width: int
    takes_room: bool
    text: str = ""


def width(face: Any, run: Run, size: float) -> float:
    """Return the width of a run in points."""
    points: float = face.get_text_width(run.text, size, _shaping(run))[1]
    return points


def operators(face: Any, run: Run, size: float) -> str:
    """Return the PDF operators that write a run, in a text object that has the font and begins at the run's left."""
    row: list[list[_Glyph]] = []  # glyphs that carry characters, with those after them that take room and carry none
    others = []
    for glyph in sorted(_carrying(_shaped(face, run, size), run), key=lambda glyph: glyph.x):
        if glyph.text:
            row.append([glyph])
        elif glyph.takes_room and row and not run.right_to_left:
            row[-1].append(glyph)
        else:
            others.append(glyph)
    written, cursor = [], 0.0
    for is_single, letters in groupby(row, key=lambda letter: len(letter) == 1):
        for glyphs in [[letter[0] for letter in letters]] if is_single else letters:
            drawn = " ".join(_written(face, glyphs, size, cursor))
            written.append(drawn if is_single else _read_as(glyphs[0].text, drawn))
            cursor = glyphs[-1].x + glyphs[-1].width
    if others:
        written.append(_read_as("", " ".join(_written(face, others, size, cursor))))
    return " ".join(written)


def _read_as(text: str, drawn: str) -> str:
    return f"/Span <</ActualText <{(BOM_UTF16_BE + text.encode('utf-16-be')).hex()}>>> BDC {drawn} EMC"


def _shaping(run: Run) -> dict[str, Any]:
    return {"features": {}, "fragment_direction": TextDirection.RTL if run.right_to_left else TextDirection.LTR}


def _shaped(face: Any, run: Run, size: float) -> Iterator[_Glyph]:
    """Yield the glyphs from left to right."""
    pen: float = 0
    for info, place in zip(*face.perform_harfbuzz_shaping(run.text, size, _shaping(run)), strict=True):
        own_width = round(face.scale * face.ttfont["hmtx"].metrics[face.ttfont.getGlyphName(info.codepoint)][0])
        x, y = pen + face.scale * place.x_offset, face.scale * place.y_offset
        yield _Glyph(info.codepoint, info.cluster, x, y, own_width, place.x_advance > 0)
        pen += face.scale * place.x_advance


def _carrying(glyphs: Iterable[_Glyph], run: Run) -> Iterator[_Glyph]:
    """Yield the glyphs with the characters that they carry, letter by letter in the order of reading."""
    clusters = [list(group) for _, group in groupby(glyphs, key=lambda glyph: glyph.cluster)]
    if run.right_to_left:
        clusters = [cluster[::-1] for cluster in clusters[::-1]]
    letters: list[list[_Glyph]] = []
    for cluster in clusters:
        if letters and not any(glyph.takes_room for glyph in cluster):
            letters[-1] += cluster
        else:
            letters.append(cluster)
    starts = [0, *(_start(letter[0], run) for letter in letters[1:]), len(run.text)]
    for letter, start, end in zip(letters, starts, starts[1:], strict=False):
        carriers = [glyph for glyph in letter if glyph.takes_room] or letter[:1]
        last = len(carriers) - 1
        for index, glyph in enumerate(carriers):
            text = run.text[start + index : end if index == last else min(start + index + 1, end)]
            yield glyph._replace(text=_as_seen(text) if run.right_to_left else text)
        yield from (glyph for glyph in letter if glyph not in carriers)


def _start(glyph: _Glyph, run: Run) -> int:
    """Return the index of a letter's first character. PDF.js drops letters that end in a joiner."""
    is_joined = not run.right_to_left and run.text[glyph.cluster - 1] in JOINERS
    return glyph.cluster - 1 if is_joined else glyph.cluster


def _as_seen(text: str) -> str:
    """Return text from the right as it stands on the page, from left to right."""
    return "".join(BIDI_BRACKETS[char]["pair"] if char in BIDI_BRACKETS else char for char in reversed(text))


def _written(face: Any, glyphs: Iterable[_Glyph], size: float, cursor: float) -> Iterator[str]:
    """Yield operators for the glyphs; the one before them ends at `cursor`."""
    for y, group in groupby(glyphs, key=lambda glyph: glyph.y):
        codes = []
        for glyph in group:
            codes.append(f"{cursor - glyph.x:.0f} <{_code(face, glyph):04X}>")
            cursor = glyph.x + glyph.width
        row = f"[{' '.join(codes)}] TJ".replace("[0 ", "[").replace("> 0 <", "> <")
        yield f"{y * size / 1000:.2f} Ts {row} 0 Ts" if y else row


def _code(face: Any, glyph: _Glyph) -> int:
    """Return the glyph's code in the document, which the font then has."""
    number: int = face.subset.pick_glyph(
        face.subset.get_glyph(
            glyph=glyph.number,
            unicode=tuple(map(ord, glyph.text or _NOTHING)),
            glyph_name=face.ttfont.getGlyphName(glyph.number),
            glyph_width=glyph.width,
        )
    )
    return number
