"""Tax IDs on receipts: checked by their form and check digits, and written as their country writes them.

Nothing is asked over the network: a well-formed ID may belong to someone else, or to no one. A tax ID is kept as one
line of text, "Australia ABN 51 824 753 556"; that of an unknown country as it was typed.
"""

import re
from importlib import import_module
from typing import Any

from .tax_id_kinds import KINDS, Kind

__all__ = ["LONGEST", "MOST", "OTHER", "InvalidTaxId", "choices", "parse", "write"]

#: The most tax IDs on a receipt, and the most characters of one.
MOST, LONGEST = 5, 60
#: The kind of countries that are not listed.
OTHER = "other"

_BY_LABEL = {kind.label: kind for kind in KINDS}


class InvalidTaxId(ValueError):
    """The text is not a tax ID of this kind; the message shows the expected form."""


def choices() -> list[tuple[str, str]]:
    """The kinds as (value, label) choices for a form, by country; other countries last."""
    return [*((label, label) for label in _BY_LABEL), (OTHER, "Another country")]


def write(kind: str, text: str) -> str:
    """Return the line for a typed tax ID of this kind. InvalidTaxId if it can't be one."""
    if len(text) > LONGEST or not text.isprintable() or not text.strip():
        raise InvalidTaxId(f"Enter a tax ID of up to {LONGEST} letters, digits and signs.")
    if kind == OTHER:
        return " ".join(text.split())
    known = _BY_LABEL[kind]
    return f"{known.label} {_normalized(known, text)}"


def parse(line: str) -> tuple[str, str]:
    """Return the kind and the number of a line."""
    for label in _BY_LABEL:
        if line.startswith(f"{label} "):
            return label, line.removeprefix(f"{label} ")
    return OTHER, line


def _normalized(kind: Kind, text: str) -> str:
    checker: Any = import_module(f"stdnum.{kind.checker}")
    for typed in (text.strip(), re.sub(r"[\s./-]", "", text).upper()):
        if checker.is_valid(typed):
            number = str(checker.compact(typed))
            if not kind.prefix and hasattr(checker, "format"):
                number = str(checker.format(number))
            return kind.prefix + number.removeprefix(kind.prefix)
    raise InvalidTaxId(f"This isn't a valid {kind.label}. Expected form: {kind.example}.")
