"""The curation of endpoints: what their providers publish, or an operator knows, as a small JSON or CSV file.

A row names endpoints by model and tag, where `*` stands for any text, and gives fields:

- `quantization`, `is_moderated`, `is_exacto`, `publishes`;
- `trains`, `retains`: the endpoint's own data policy; null (in CSV `unknown`) for its provider's;
- `source`: where these facts are published, and when.

A later row counts more than an earlier one. JSON is `{"endpoints": [row, ...]}`. In CSV, `yes` and `no` are the values,
and an empty cell leaves a field as it is.

A field that is imported is locked, like one that is edited in the admin: loading a newer catalog keeps it. The file
that ships with the site, `fixtures/curation.json`, locks nothing.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from django.db import transaction

from models_catalog import catalog
from models_catalog.models import Endpoint
from models_catalog.reference.parameters import QUANTIZATIONS

__all__ = ["BUNDLED", "FIELDS", "Change", "CurationError", "Row", "curate", "import_rows", "read", "written"]

BUNDLED = Path(__file__).parent.parent / "fixtures" / "curation.json"

_FLAGS = ("is_moderated", "is_exacto", "publishes")
_POLICIES = ("trains", "retains")
FIELDS = ("quantization", *_FLAGS, *_POLICIES, "source")
_COLUMNS = ("model", "tag", *FIELDS)
_WORDS: Mapping[str, bool | None] = {"yes": True, "true": True, "no": False, "false": False, "unknown": None}

MAX_BYTES = 2 * 1024 * 1024
MAX_ROWS = 10_000
MAX_PROBLEMS = 20


class CurationError(ValueError):
    """A file that cannot be imported. Its lines say why, each with the number of the row."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        shown = self.problems[:MAX_PROBLEMS]
        more = len(self.problems) - len(shown)
        super().__init__("\n".join([*shown, *([f"... and {more} more."] if more else [])]))


@dataclass(frozen=True, slots=True)
class Row:
    """One row: which endpoints, and the values of the fields that it gives."""

    number: int  # from 1
    model: str
    tag: str
    fields: Mapping[str, Any]

    def matches(self, endpoint: Endpoint) -> bool:
        """Return whether the row is about the endpoint."""
        return fnmatchcase(endpoint.model_id, self.model) and fnmatchcase(endpoint.tag, self.tag)


@dataclass(frozen=True, slots=True)
class Change:
    """A field of an endpoint that an import changes."""

    endpoint: str
    field: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.field} {_shown(self.before)} -> {_shown(self.after)}"


def read(content: bytes, *, as_csv: bool) -> list[Row]:
    """Return the rows of a file. Raises CurationError, with every problem, for anything unknown or malformed."""
    if len(content) > MAX_BYTES:
        raise CurationError([f"The file has more than {MAX_BYTES // 1024 // 1024} MiB."])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CurationError(["The file is not UTF-8."]) from None
    raw = _of_csv(text) if as_csv else _of_json(text)
    if len(raw) > MAX_ROWS:
        raise CurationError([f"The file has more than {MAX_ROWS:,} rows."])
    problems: list[str] = []
    rows = [_row(number, each, problems) for number, each in enumerate(raw, 1)]
    numbers: dict[tuple[str, str], int] = {}
    for row in rows:
        if (first := numbers.setdefault((row.model, row.tag), row.number)) != row.number:
            problems.append(f"Rows {first} and {row.number} name the same endpoints. Write one row.")
    if problems:
        raise CurationError(problems)
    return rows


def import_rows(rows: Iterable[Row], *, dry_run: bool = False) -> list[Change]:
    """Set and lock the fields of the rows, and return what that changes; with `dry_run`, only the latter.

    Raises CurationError for a row without an endpoint. Nothing is written then.
    """
    with transaction.atomic():
        endpoints = list(Endpoint.objects.select_for_update().order_by("model_id", "tag"))
        changed, changes = _applied(list(rows), endpoints)
        if not dry_run:
            Endpoint.objects.bulk_update(changed, [*FIELDS, "edited_fields"], batch_size=500)
            catalog.touch()
    return changes


def curate(endpoints: Iterable[Endpoint], rows: Iterable[Row]) -> None:
    """Set the fields of the rows on endpoints that are about to be loaded. Rows without an endpoint mean nothing."""
    known = list(rows)
    for endpoint in endpoints:
        for name, value in _given(row for row in known if row.matches(endpoint)).items():
            setattr(endpoint, name, value)


def written(*, as_csv: bool) -> str:
    """Return the file of everything that is locked by an import or by an operator in the admin."""
    rows = []
    for endpoint in Endpoint.objects.exclude(edited_fields=[]).order_by("model_id", "tag"):
        if fields := {name: getattr(endpoint, name) for name in FIELDS if name in endpoint.edited_fields}:
            rows.append({"model": endpoint.model_id, "tag": endpoint.tag, **fields})
    if not as_csv:
        return json.dumps({"endpoints": rows}, indent=1, ensure_ascii=False) + "\n"
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: value if isinstance(value, str) else _shown(value) for name, value in row.items()})
    return out.getvalue()


def _applied(rows: list[Row], endpoints: list[Endpoint]) -> tuple[list[Endpoint], list[Change]]:
    """(the endpoints that the rows are about, with the fields set and locked, what has changed)."""
    unused = {row.number: row for row in rows}
    touched, changes = [], []
    for endpoint in endpoints:
        about = [row for row in rows if row.matches(endpoint)]
        for row in about:
            unused.pop(row.number, None)
        given = _given(about)
        for name, value in given.items():
            if (before := getattr(endpoint, name)) != value:
                changes.append(Change(str(endpoint), name, before, value))
                setattr(endpoint, name, value)
        if given:
            endpoint.edited_fields = sorted({*endpoint.edited_fields, *given})
            touched.append(endpoint)
    if unused:
        raise CurationError(
            f"Row {row.number}: no endpoint of {row.model} has the tag {row.tag}." for row in unused.values()
        )
    return touched, changes


def _given(rows: Iterable[Row]) -> dict[str, Any]:
    """The fields that the rows give one endpoint."""
    given: dict[str, Any] = {}
    for row in rows:
        given |= row.fields
    return given


def _of_json(text: str) -> list[Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CurationError([f"The file is not JSON: {error}."]) from None
    rows = content.get("endpoints") if isinstance(content, dict) else None
    if not isinstance(rows, list) or set(content) != {"endpoints"}:
        raise CurationError(['The file must be an object with "endpoints", a list of rows, and nothing else.'])
    return rows


def _of_csv(text: str) -> list[Any]:
    try:
        reader = csv.DictReader(io.StringIO(text), strict=True)
        rows = list(reader)
    except csv.Error as error:
        raise CurationError([f"The file is not CSV: {error}."]) from None
    if unknown := set(reader.fieldnames or ()) - set(_COLUMNS):
        raise CurationError([f"Unknown columns: {', '.join(sorted(map(repr, unknown)))}."])
    return [_of_cells(row) for row in rows]


def _of_cells(row: dict[Any, Any]) -> dict[Any, Any]:
    cells = {name: value for name, value in row.items() if value not in (None, "")}
    for name in (*_FLAGS, *_POLICIES):
        if name in cells:
            cells[name] = _WORDS.get(cells[name].strip().lower(), cells[name])
    return cells


def _row(number: int, raw: Any, problems: list[str]) -> Row:
    """Return the row; what is wrong with it is added to `problems`."""
    if not isinstance(raw, dict):
        problems.append(f"Row {number} is not an object.")
        return Row(number, "", "", {})
    if unknown := [str(name) for name in raw if name not in _COLUMNS]:
        problems.append(f"Row {number} has unknown fields: {', '.join(map(repr, unknown))[:200]}.")
    for name in ("model", "tag"):
        if not _is_name(raw.get(name)):
            problems.append(f"Row {number}: `{name}` must be the ID of a model or the tag of an endpoint.")
    fields = {name: raw[name] for name in FIELDS if name in raw}
    if not fields.keys() - {"source"}:
        problems.append(f"Row {number} gives no field but perhaps its source.")
    for name, value in fields.items():
        if (wrong := _wrong(name, value)) is not None:
            problems.append(f"Row {number}: `{name}` {wrong}")
    return Row(number, str(raw.get("model")), str(raw.get("tag")), fields)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable() and not set(value) & set(" []?")


def _wrong(name: str, value: Any) -> str | None:
    """Return the fault of a field's value, in words that follow its name; None without one."""
    if name == "quantization":
        return None if value in QUANTIZATIONS else f"must be one of {', '.join(QUANTIZATIONS)}."
    if name in _FLAGS:
        return None if isinstance(value, bool) else "must be true or false (in CSV yes or no)."
    if name in _POLICIES:
        return None if value is None or isinstance(value, bool) else "must be true, false or null (in CSV: unknown)."
    if not isinstance(value, str) or len(value) > 300 or not value.isprintable():
        return "must be a text of up to 300 characters, in one line."
    # A program for spreadsheets would take it for a formula.
    return "must not begin with one of = + - @." if value[:1] in set("=+-@") else None


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return repr(value)
    return {True: "yes", False: "no"}.get(value, "unknown")
