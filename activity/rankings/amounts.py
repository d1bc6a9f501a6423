"""What the clock counts: the tokens of accounts, by app and model."""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Account", "Seen", "Tokens", "Usage"]


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

    def share(self, counted: int, total: int) -> "Tokens":
        """Return `counted` of `total` tokens, rounded down."""
        return self if counted >= total else Tokens(*(each * counted // total for each in self))


class Account(NamedTuple):
    """An account, and what its privacy settings say about rankings."""

    id: int
    organisation_id: int
    zero_data_retention: bool | None  # None: no settings are saved
    show_apps: bool | None


#: Tokens by slug of the app, account and model.
Usage = Mapping[str, Mapping[Account, Mapping[str, Tokens]]]
#: The IDs of apps by slug, for each account that used them.
Seen = Mapping[Account, Mapping[str, int]]
