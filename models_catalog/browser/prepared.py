"""Values that are made once for each catalog in memory."""

from collections.abc import Callable
from typing import Generic, TypeVar

from models_catalog.entries import Catalogue

__all__ = ["PerCatalogue"]

#: Catalogs whose values are kept: the offered and the complete one, before and after a change.
_KEPT = 4

Value = TypeVar("Value")


class PerCatalogue(Generic[Value]):
    """`make(catalogue)`, called once for each catalog object; by two threads at once, perhaps twice."""

    def __init__(self, make: Callable[[Catalogue], Value]) -> None:
        self._make = make
        self._values: tuple[tuple[Catalogue, Value], ...] = ()

    def __call__(self, catalogue: Catalogue) -> Value:
        for known, value in self._values:
            if known is catalogue:
                return value
        value = self._make(catalogue)
        self._values = ((catalogue, value), *self._values)[:_KEPT]
        return value
