"""Models that an organization's settings exclude, provided by the app that plans requests.

It is above this one, so it registers itself: `provide(source)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from accounts.models import Organisation

__all__ = ["Exclusion", "of", "provide"]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why a model is excluded. `page` is the path of the settings that exclude it."""

    reason: str
    page: str


Source = Callable[[Organisation], Mapping[str, Exclusion]]
_source: Source | None = None


def provide(source: Source) -> None:
    """Register `source(organisation)`, which returns the models that its settings exclude, by ID."""
    global _source
    _source = source


def of(organisation: Organisation) -> Mapping[str, Exclusion]:
    """Return the models that the organization's settings exclude, by ID. One query."""
    return _source(organisation) if _source is not None else {}
