"""Amounts that the clock counts: the tokens of accounts, by app, model and use."""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Account", "ModelUse", "Seen", "Tokens", "Usage"]


class Tokens(NamedTuple):
    """Requests, prompt tokens and completion tokens."""

    requests: int = 0
    prompt: int = 0
    completion: int = 0

    @property
    def total(self) -> int:
        """Prompt and completion tokens."""
        return self.prompt + self.completion

    def plus(self, other: "Tokens") -> "Tokens":
        return Tokens(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def minus(self, other: "Tokens") -> "Tokens":
        return Tokens(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))

    def share(self, counted: int, total: int) -> "Tokens":
        """Return `counted` of `total` tokens, rounded down."""
        return self if counted >= total else Tokens(*(each * counted // total for each in self))


class Account(NamedTuple):
    """An account, and what its privacy settings say about rankings."""

    id: int
    organisation_id: int
    zero_data_retention: bool | None  # None: no settings are saved
    show_apps: bool | None
    classify_requests: bool | None

    @property
    def counts_by_use(self) -> bool:
        """Whether its classified requests count for their uses."""
        return bool(self.classify_requests) and self.show_apps is not False and not self.zero_data_retention


#: A model, and the use of classified requests; empty: of the others.
ModelUse = tuple[str, str]
#: Tokens by slug of the app, account, and model and use.
Usage = Mapping[str, Mapping[Account, Mapping[ModelUse, Tokens]]]
#: The IDs of apps by slug, for each account that used them.
Seen = Mapping[Account, Mapping[str, int]]
