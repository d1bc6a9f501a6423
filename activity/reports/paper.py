"""A PDF document of headings, pairs, bars and tables, on A4.

Its font is Liberation Sans (Latin, Greek, Cyrillic), which comes with PDF.js; without it, the Helvetica of every reader
(Latin). Chinese, Japanese and Korean are in Noto Sans. A character that these lack becomes a question mark: no text of
a customer can make a document fail.
"""

import logging
import unicodedata
from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from .fonts import MOST_SLICES, slices_of

__all__ = ["Paper"]

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it reports every table of a font that it cuts

_FONTS = {"": "LiberationSans-Regular.ttf", "B": "LiberationSans-Bold.ttf"}
_REGULAR: dict[str, float] = {"wght": 400}  # of a variable font
_LOST = "?"
_INK, _MUTED, _LINE, _BAR = (20, 23, 31), (84, 92, 107), (215, 219, 226), (79, 70, 229)
_ROW = 6.0  # height in mm
_CHART = 38.0  # height in mm


class Paper(FPDF):
    """A document under construction: call its methods from top to bottom, then `finished`."""

    def __init__(self, title: str, subtitle: str, made_at: datetime) -> None:
        super().__init__(format="A4")
        self.lost = False  # whether a character was replaced
        self._slices: dict[Path, str] = {}  # loaded fonts by file
        self._family = self._load_fonts()
        self.set_margins(16, 16)
        self.set_auto_page_break(True, 18)
        self.set_creator(settings.SITE_NAME)
        self.set_title(title)
        self.set_creation_date(made_at)
        self._made = f"Made on {made_at.day} {made_at:%B %Y, %H:%M} UTC"
        self.add_page()
        self._write(settings.SITE_NAME, 9, _MUTED)
        self._write(title, 18, _INK, "B", height=9)
        self._write(subtitle, 10, _MUTED)
        self.ln(4)

    def heading(self, text: str, *, on_new_page: bool = False) -> None:
        """Write the title of a part."""
        if on_new_page or self.will_page_break(4 * _ROW):
            self.add_page()
        self.ln(3)
        self._write(text, 12, _INK, "B", height=8)

    def note(self, text: str) -> None:
        """Write a paragraph of small print."""
        self._font(8, _MUTED)
        self.multi_cell(self.epw, 4, self._clean(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def pairs(self, pairs: Iterable[tuple[str, str]], *, strong: Sequence[str] = ()) -> None:
        """Write labels with their values, right-aligned; the `strong` labels in bold under a line."""
        for label, value in pairs:
            bold = "B" if label in strong else ""
            self._row([(label, self.epw * 0.6, "L"), (value, self.epw * 0.4, "R")], bold, line_above=bool(bold))

    def bars(self, label: str, values: Sequence[int], first: str, last: str) -> None:
        """Draw a column for each value, from `first` to `last`."""
        if not any(values):
            return
        if self.will_page_break(_CHART + 3 * _ROW):
            self.add_page()
        self.ln(2)
        self._write(label, 9, _MUTED)
        slot, bottom, top = self.epw / len(values), self.get_y() + _CHART, max(values)
        self.set_fill_color(*_BAR)
        for index, value in enumerate(values):
            if height := _CHART * value / top:
                self.rect(self.l_margin + slot * (index + 0.14), bottom - height, slot * 0.72, height, style="F")
        self.set_draw_color(*_LINE)
        self.line(self.l_margin, bottom, self.l_margin + self.epw, bottom)
        self.set_y(bottom + 1)
        self._row([(first, self.epw / 2, "L"), (last, self.epw / 2, "R")], "", size=8)

    def rows(self, head: Sequence[str], rows: Iterable[Sequence[str]], foot: Sequence[str]) -> None:
        """Write a table whose first column is text and whose other columns are numbers. `head` repeats on each page."""
        others = (len(head) - 1) * 0.155
        widths = [self.epw * (1 - others), *([self.epw * 0.155] * (len(head) - 1))]
        aligns = ["L", *("R" * (len(head) - 1))]

        def write(cells: Sequence[str], style: str = "", *, line_above: bool = False) -> None:
            self._row(list(zip(cells, widths, aligns, strict=True)), style, size=8.5, line_above=line_above)

        write(head, "B")
        for row in rows:
            if self.will_page_break(_ROW):
                self.add_page()
                write(head, "B")
            write(row, line_above=True)
        write(foot, "B", line_above=True)

    def finished(self) -> bytes:
        """Return the file."""
        if self.lost:
            self.ln(3)
            self.note(f"Characters that the font of this document lacks are shown as {_LOST}")
        return bytes(self.output())

    def footer(self) -> None:
        """Write the time and the page's number; called by `FPDF` at the end of each page."""
        self.set_y(-13)
        self._font(8, _MUTED)
        self.cell(self.epw / 2, 5, self._clean(self._made))
        self.cell(self.epw / 2, 5, f"Page {self.page_no()} of {{nb}}", align="R")

    def _load_fonts(self) -> str:
        folder = Path(settings.NODE_MODULES) / "pdfjs-dist/standard_fonts"
        files = {style: folder / name for style, name in _FONTS.items()}
        if not all(file.is_file() for file in files.values()):
            return "Helvetica"
        for style, file in files.items():
            self.add_font("Liberation", style, file)
        return "Liberation"

    def _font(self, size: float, color: tuple[int, int, int], style: str = "") -> None:
        self.set_font(self._family, style, size)
        self.set_text_color(*color)

    def _write(self, text: str, size: float, color: tuple[int, int, int], style: str = "", height: float = 5) -> None:
        self._font(size, color, style)
        self._cell(self.epw, height, self._fitting(text, self.epw), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _row(
        self, cells: Sequence[tuple[str, float, str]], style: str, *, size: float = 9.5, line_above: bool = False
    ) -> None:
        if self.will_page_break(_ROW):
            self.add_page()
        if line_above:
            self.set_draw_color(*_LINE)
            self.line(self.l_margin, self.get_y(), self.l_margin + self.epw, self.get_y())
        self._font(size, _INK, style)
        for text, width, align in cells:
            self._cell(width, _ROW, self._fitting(text, width), align=align)
        self.ln(_ROW)

    def _fitting(self, text: str, width: float) -> str:
        """Return the text, cut where the width ends."""
        text, room = self._clean(text), width - 2 * self.c_margin
        if self.get_string_width(text) <= room:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.get_string_width(f"{text[:middle]}...") <= room else (low, middle - 1)
        return f"{text[:low]}..."

    def _clean(self, text: str) -> str:
        """Return the text as one line that the font can show, without marks that change the order of writing."""
        font: Any = self.fonts.get(self._family.lower())
        known = getattr(font, "cmap", None)
        shown = []
        for char in unicodedata.normalize("NFC", " ".join(text.split())):
            if (
                (ord(char) in known or self._has_elsewhere(char))
                if known
                else (char.isascii() or "\xa0" <= char <= "\xff")
            ):
                shown.append(char)
            elif unicodedata.category(char) not in ("Cf", "Cc", "Mn", "Me"):
                shown.append(_LOST)
                self.lost = True
        return "".join(shown)

    def _has_elsewhere(self, char: str) -> bool:
        """Whether a further font has the character, which is loaded then."""
        return any(ord(char) in self._known_to(file) for file in slices_of(char, Path(settings.NODE_MODULES)))

    def _known_to(self, file: Path) -> Container[int]:
        """Return the characters of a further font, none if it is one too many."""
        if file not in self._slices:
            if len(self._slices) == MOST_SLICES or not file.is_file():
                return ()
            self._slices[file] = name = f"Noto{len(self._slices)}"
            self.add_font(name, "", file, variations=_REGULAR)
            self.set_fallback_fonts(list(self._slices.values()), exact_match=False)
        font: Any = self.fonts[self._slices[file].lower()]
        known: Container[int] = font.cmap
        return known

    def _cell(self, width: float, height: float, text: str, **options: Any) -> None:
        # In a context of its own: after a text that begins in a further font, fpdf2 is wrong about the page's font.
        with self.local_context():
            self.cell(width, height, text, **options)
