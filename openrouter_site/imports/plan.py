"""A plan: the people, teams, keys and balances that an import creates, and the things that it refuses."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from common.money import PicoUsd
from models_catalog.models import Model

__all__ = ["Credit", "Key", "ModelNames", "Person", "Plan", "Team"]


@dataclass(frozen=True, slots=True)
class Person:
    """A person, known by their address. `active` is False for one who could not sign in."""

    email: str
    name: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class Team:
    """An organization. `id` is the other program's, `admins` and `members` are addresses; there is an admin."""

    id: str
    name: str
    admins: tuple[str, ...]
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """An API key that goes on working: `hash` is the SHA-256 of its secret. `owner` is an address or a team's ID."""

    hash: str
    label: str
    name: str
    owner: str
    creator: str = ""
    disabled: bool = False
    settings: dict[str, Any] = field(default_factory=dict)  # columns of ApiKey


@dataclass(frozen=True, slots=True)
class Credit:
    """An opening balance. It is added once for each `reference`."""

    owner: str
    amount: PicoUsd
    reference: str


@dataclass(slots=True)
class Plan:
    """All that an import creates. `refused` has a thing and the reason for each that it can't."""

    source: str
    people: list[Person] = field(default_factory=list)
    teams: list[Team] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    credits: list[Credit] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


class ModelNames:
    """Finds models of the catalog by another program's names."""

    def __init__(self) -> None:
        self._ids = list(Model.objects.values_list("pk", flat=True))

    def of(self, names: Iterable[str]) -> list[str]:
        """Return the IDs. Raises ValueError with the first name that is none, or several."""
        found = []
        for name in names:
            wanted = name.lower()
            ids = [each for each in self._ids if each == wanted] or [
                each for each in self._ids if each.partition("/")[2] == wanted
            ]
            if len(ids) != 1:
                raise ValueError(f"model {name[:80]} is not in the catalog")
            found += ids
        return found
