"""The values that a view is restricted to in one dimension: some of them, or everything but some."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

__all__ = ["ANY", "MOST_VALUES", "Pick", "generations_where", "usage_where"]

#: Values of one filter.
MOST_VALUES = 50


@dataclass(frozen=True, slots=True)
class Pick:
    """Values as stored in usage, and as written in the query string. With `excluded` it is everything but these."""

    values: tuple[Any, ...] = ()
    written: tuple[str, ...] = ()
    excluded: bool = False

    @classmethod
    def of(cls, *texts: str, excluded: bool = False) -> "Pick":
        """The values of a dimension that stores the text of the query string."""
        return cls(texts, texts, excluded)

    def __bool__(self) -> bool:
        return bool(self.values)

    def condition(self, column: str) -> tuple[str, Any]:
        """Return the name and value of `Filter.conditions`."""
        if self.excluded:
            return f"{column}__not_in", self.values
        return (column, self.values[0]) if len(self.values) == 1 else (f"{column}__in", self.values)


ANY = Pick()


def usage_where(conditions: Mapping[str, Any]) -> Q:
    """Return the condition of rows of usage. `conditions` are lookups of `filter`, and `COLUMN__not_in`."""
    where = Q()
    for name, value in conditions.items():
        column, _, lookup = name.partition("__")
        where &= ~Q(**{f"{column}__in": value}) if lookup == "not_in" else Q(**{name: value})
    return where


def generations_where(conditions: Mapping[str, Any], *, running: bool = False) -> Q:
    """Return the condition of Generation rows that usage counts under `conditions`, or of Hold rows if `running`."""
    where = Q()
    for name, value in conditions.items():
        column, _, lookup = name.partition("__")
        chosen = _among(column, list(value) if lookup else [value], running=running)
        where &= ~chosen if lookup == "not_in" else chosen
    return where


def _among(column: str, values: Iterable[Any], *, running: bool) -> Q:
    values = list(values)
    if column == "model":  # a request without a response counts under its requested model
        asked = Q(requested_model__in=values)
        return asked if running else Q(model__in=values) | (Q(model="") & asked)
    if column in ("key_id", "user_id"):
        found = Q(**{f"{column}__in": [value for value in values if value]})
        return found | Q(**{f"{column}__isnull": True}) if 0 in values else found
    return Q(**{f"{column}__in": values})
