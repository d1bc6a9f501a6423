"""Losses: the sentences on what a person loses with their account, from the apps that know it.

losses.register(unused_credits)
"""

from collections.abc import Callable, Sequence

from accounts.models import Organisation

__all__ = ["of", "register"]

#: Returns sentences on what these organizations lose when they are closed.
Tell = Callable[[Sequence[Organisation]], list[str]]
_tellers: list[Tell] = []


def register(teller: Tell) -> Tell:
    """Add a function that names losses."""
    if teller not in _tellers:
        _tellers.append(teller)
    return teller


def of(organisations: Sequence[Organisation]) -> list[str]:
    """Return what is lost when these organizations are closed, a sentence each."""
    return [sentence for tell in _tellers for sentence in tell(organisations)]
