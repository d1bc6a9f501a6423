"""A PDF document of lines in any script.

Its own font is Liberation Sans (Latin, Greek, Cyrillic), which comes with PDF.js; without it, the Helvetica of every
reader (Latin). Further scripts are in Noto Sans, shaped by HarfBuzz. A character that all of them lack becomes a
question mark: no text of a customer can make a document fail.
"""

import logging
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings
from fpdf import FPDF
from fpdf.line_break import Fragment

from . import glyphs
from .fonts import MOST_SLICES, Slice, regular_weight, slices_of
from .runs import JOINERS, Run, runs_of

__all__ = ["LOST", "Lines"]

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it reports every table of a font that it cuts

LOST = "?"
_OWN = {"": "LiberationSans-Regular.ttf", "B": "LiberationSans-Bold.ttf"}
_MOST_CHARACTERS = 300  # of a line; more than fit
_MOST_MARKS = 6  # on a letter; more would cover the lines above


class Lines(FPDF):
    """A document that writes lines of text by `write_line`, in the font of `use_font`."""

    def __init__(self) -> None:
        super().__init__(format="A4")
        self.lost = False  # whether a character was replaced
        self._node_modules = Path(settings.NODE_MODULES)
        self._further: dict[Slice, str] = {}  # names of loaded fonts
        self._shaped: set[str] = set()  # those whose glyphs depend on their neighbors
        self._own = self._load_own()

    def use_font(self, size: float, color: tuple[int, int, int], style: str = "") -> None:
        """Write in this size (in points), color and style ("B" is bold)."""
        self.set_font(self._own, style, size)
        self.set_text_color(*color)

    def write_line(self, text: str, width: float, height: float, align: str = "L") -> None:
        """Write a line in a box at the current position, which moves to the right of it. Long text is cut."""
        text = self._fitting(self._clean(text), width - 2 * self.c_margin)
        runs = self._runs(text)
        if all(run.font == self._own and not run.right_to_left for run in runs):
            self.cell(width, height, text, align=align)
            return
        left, top = self.x, self.y
        self.set_x(left + (width - self.c_margin - self._width(text) if align == "R" else self.c_margin))
        for run in runs:
            self._write_run(run, height)
        self.set_xy(left + width, top)

    def _clean(self, text: str) -> str:
        """Return the text as one line that the fonts can show, without marks that change the order of writing."""
        shown: list[str] = []
        font, marks = "", 0
        for char in unicodedata.normalize("NFC", " ".join(text.split())):
            kind = unicodedata.category(char)
            marks = marks + 1 if kind[0] == "M" else 0
            if char in JOINERS:
                if font in self._shaped and ord(char) in self._face(font).cmap:
                    shown.append(char)
            elif marks <= _MOST_MARKS and (found := self._font_of(char, font)):
                font = found
                shown.append(char)
            elif kind not in ("Cf", "Cc", "Mn", "Mc", "Me"):
                font = self._own
                shown.append(LOST)
                self.lost = True
            if len(shown) > _MOST_CHARACTERS:
                break
        return "".join(shown)

    def _fitting(self, text: str, room: float) -> str:
        """Return the text, cut where the room ends."""
        most = int(5 * room / self.font_size)  # the narrowest letters are as wide as a fifth of the size
        if len(text) <= most and self._width(text) <= room:
            return text
        low, high = 0, min(len(text), most)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._width(f"{text[:middle]}...") <= room else (low, middle - 1)
        while low and low < len(text) and (text[low] in JOINERS or unicodedata.category(text[low])[0] == "M"):
            low -= 1  # a letter keeps its marks
        return f"{text[:low]}..."

    def _runs(self, text: str) -> list[Run]:
        return [Run(text, self._own)] if text.isascii() else runs_of(text, self._font_of)

    def _width(self, text: str) -> float:
        """Return the width in mm."""
        return sum(self._width_of_run(run) for run in self._runs(text))

    def _width_of_run(self, run: Run) -> float:
        face = self._face(run.font, self.font_style)
        if self._is_shaped(run):
            return glyphs.width(face, run, self.font_size_pt) / self.k
        points: float = face.get_text_width(run.text, self.font_size_pt, None)[1]
        return points / self.k

    def _is_shaped(self, run: Run) -> bool:
        return run.font in self._shaped or run.right_to_left

    def _write_run(self, run: Run, height: float) -> None:
        left, width = self.x, self._width_of_run(run)
        # In a context of its own: after a text that begins in a further font, fpdf2 is wrong about the page's font.
        with self.local_context():
            if run.font != self._own:
                self.set_font(run.font, "", self.font_size_pt)
            if self._is_shaped(run):
                baseline = self.y + 0.5 * height + 0.3 * self.font_size  # as in `cell`
                face = self._face(run.font, self.font_style)
                font = self._set_font_for_page(face, self.font_size_pt, wrap_in_text_object=False)
                position = f"{left * self.k:.2f} {(self.h - baseline) * self.k:.2f} Td"
                color = self.text_color.serialize().lower() if self.text_color else ""
                self._out(f"BT {position} {font} {color} {glyphs.operators(face, run, self.font_size_pt)} ET")
            else:
                self.set_x(left - self.c_margin)
                self.cell(width + 2 * self.c_margin, height, run.text)
        self.set_x(left + width)

    def _parse_chars(self, text: str, markdown: bool, **options: Any) -> Iterator[Fragment]:
        # In names, fpdf2 would read {nb} as the number of pages.
        if self.in_footer:
            yield from super()._parse_chars(text, markdown, **options)
        else:
            yield Fragment(text, self._get_current_graphics_state(), self.k)

    def _load_own(self) -> str:
        folder = self._node_modules / "pdfjs-dist/standard_fonts"
        files = {style: folder / name for style, name in _OWN.items()}
        if not all(file.is_file() for file in files.values()):
            return "Helvetica"
        for style, file in files.items():
            self.add_font("Liberation", style, file)
        return "Liberation"

    def _font_of(self, char: str, before: str = "") -> str:
        """Return the name of the font that writes the character, the one `before` if it can; "" if none has it."""
        code = ord(char)
        if before and before != self._own and code in self._face(before).cmap:
            return before
        if code in self._known:
            return self._own
        slices = slices_of(char, self._node_modules) if self._own != "Helvetica" else []
        return next((name for each in slices if (name := self._name_of(each)) and code in self._face(name).cmap), "")

    @cached_property
    def _known(self) -> frozenset[int]:
        """The characters of the document's own font."""
        if self._own == "Helvetica":
            return frozenset([*range(0x20, 0x7F), *range(0xA0, 0x100)])
        return frozenset(self._face(self._own).cmap)

    def _name_of(self, further: Slice) -> str:
        """Return the name of a further font, which is loaded then; "" if it is one too many."""
        if further not in self._further:
            if len(self._further) == MOST_SLICES or not further.file.is_file():
                return ""
            self._further[further] = name = f"Noto{len(self._further)}"
            self.add_font(name, "", regular_weight(further.file) if further.is_variable else further.file)
            if further.is_shaped:
                self._shaped.add(name)
        return self._further[further]

    def _face(self, font: str, style: str = "") -> Any:
        fonts: dict[str, Any] = self.fonts
        return fonts[font.lower() + (style if font == self._own else "")]
