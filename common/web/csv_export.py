"""CSV downloads that are safe to open in a spreadsheet."""

import csv
import io
from collections.abc import AsyncIterable, Iterable
from decimal import Decimal

from django.http import StreamingHttpResponse

__all__ = ["csv_line", "csv_response"]

#: A spreadsheet runs text that begins with one of these as a formula; some read the wide forms of East Asian keyboards
#: as well, and drop blanks before it.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_line(cells: Iterable[object]) -> str:
    """Return one line of CSV. Text that looks like a formula is escaped; numbers (`Decimal`, `int`) stay numbers."""
    out = io.StringIO()
    csv.writer(out).writerow(_escaped(cell) for cell in cells)
    return out.getvalue()


def csv_response(lines: Iterable[str] | AsyncIterable[str], name: str) -> StreamingHttpResponse:
    """Return the lines as a download. Only lines of an asynchronous iterator are sent as they are produced."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _escaped(cell: object) -> object:
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" \xa0\ufeff").startswith(_FORMULA_STARTS) else cell
