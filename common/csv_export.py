"""Tables as CSV, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import AsyncIterable, Iterable
from decimal import Decimal

from django.http import StreamingHttpResponse

__all__ = ["answer", "line"]

#: A spreadsheet takes a text that begins so for a formula, and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def line(cells: Iterable[object]) -> str:
    """One line of CSV. Texts that a spreadsheet would run are quoted; numbers (`Decimal`, `int`) stay numbers."""
    out = io.StringIO()
    csv.writer(out).writerow(_harmless(cell) for cell in cells)
    return out.getvalue()


def answer(lines: Iterable[str] | AsyncIterable[str], name: str) -> StreamingHttpResponse:
    """The lines as a file to download. Only an asynchronous iterator is sent while it is made."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _harmless(cell: object) -> object:
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
