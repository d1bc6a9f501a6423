"""A PDF document of headings, pairs, bars and tables, on A4."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings
from fpdf.enums import XPos, YPos

from .lines import LOST, Lines

__all__ = ["Paper"]

_INK, _MUTED, _LINE, _BAR = (20, 23, 31), (84, 92, 107), (215, 219, 226), (79, 70, 229)
_ROW = 6.0  # height in mm
_CHART = 38.0  # height in mm


class Paper(Lines):
    """A document under construction: call its methods from top to bottom, then `finished`."""

    def __init__(self, title: str, subtitle: str, made_at: datetime) -> None:
        super().__init__()
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
        """Write a paragraph of small print, in ASCII."""
        self.use_font(8, _MUTED)
        self.multi_cell(self.epw, 4, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

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
            self.note(f"Characters that the font of this document lacks are shown as {LOST}")
        return bytes(self.output())

    def footer(self) -> None:
        """Write the time and the page's number; called by `FPDF` at the end of each page."""
        self.set_y(-13)
        self.use_font(8, _MUTED)
        self.cell(self.epw / 2, 5, self._made)
        self.cell(self.epw / 2, 5, f"Page {self.page_no()} of {{nb}}", align="R")

    def _write(self, text: str, size: float, color: tuple[int, int, int], style: str = "", height: float = 5) -> None:
        self.use_font(size, color, style)
        self.write_line(text, self.epw, height)
        self.ln(height)

    def _row(
        self, cells: Sequence[tuple[str, float, str]], style: str, *, size: float = 9.5, line_above: bool = False
    ) -> None:
        if self.will_page_break(_ROW):
            self.add_page()
        if line_above:
            self.set_draw_color(*_LINE)
            self.line(self.l_margin, self.get_y(), self.l_margin + self.epw, self.get_y())
        self.use_font(size, _INK, style)
        for text, width, align in cells:
            self.write_line(text, width, _ROW, align)
        self.ln(_ROW)
