"""The filters of the page: for each dimension its values, some of them chosen or excluded."""

from collections.abc import Sequence
from dataclasses import dataclass

from accounts import access
from accounts.models import Organisation, User
from activity.filters import GROUPS, Filter

from .summary import Option

__all__ = ["Picker", "pickers_of", "sees_members"]


@dataclass(frozen=True, slots=True)
class Picker:
    """One dimension: its name in the query string, its label, its choices, and whether the chosen are left out."""

    name: str
    label: str
    options: Sequence[Option]
    excluded: bool

    @property
    def chosen(self) -> int:
        """The number of chosen values."""
        return sum(option.chosen for option in self.options)


def pickers_of(view: Filter, options: dict[str, list[Option]], *, members: bool) -> list[Picker]:
    """Return the filters of the page, that of members only with `members`."""
    return [
        Picker(name, word, options[name], getattr(view, name).excluded)
        for name, (_, word) in GROUPS.items()
        if name != "member" or members
    ]


def sees_members(user: User, organisation: Organisation) -> bool:
    """Whether usage can be divided by member: an organization with several, seen by an admin."""
    return organisation.memberships.count() > 1 and access.is_admin(user, organisation)
