"""The providers for which customers may bring keys. The app that calls them knows, and registers itself."""

from collections.abc import Mapping
from typing import Protocol

from accounts.models import Organisation

__all__ = ["Directory", "Share", "Tested", "current", "provide"]


class Tested(Protocol):
    """The result of a test of a key: whether it works, a sentence without the key, whether the provider rejects it."""

    @property
    def works(self) -> bool: ...

    @property
    def text(self) -> str: ...

    @property
    def is_rejected(self) -> bool: ...


class Share(Protocol):
    """The requests on own provider keys of an account in this UTC month, and the free share of them."""

    @property
    def counts_requests(self) -> bool:
        """Whether the share is a number of requests, not a sum of list prices."""

    @property
    def limit(self) -> int:
        """Requests, or pico-USD of list price."""

    @property
    def used(self) -> int:
        """Likewise."""

    @property
    def requests(self) -> int: ...

    @property
    def listed(self) -> int:
        """Their list prices in pico-USD."""

    @property
    def fee_percent(self) -> str: ...


class Directory(Protocol):
    """The providers that take keys, and how the keys of an account are used."""

    def providers(self) -> Mapping[str, str]:
        """Return the names of the providers that take a customer's key, by slug, sorted by name."""

    def share(self, organisation: Organisation) -> Share:
        """Return the use of own provider keys in this month."""

    def test(self, provider: str, secret: str) -> Tested:
        """Ask the provider whether it takes the key, by the cheapest call that needs one. Blocks."""


_directory: Directory | None = None


def provide(directory: Directory) -> None:
    """Register the directory."""
    global _directory
    _directory = directory


def current() -> Directory:
    """Return the registered directory."""
    assert _directory is not None, "the gateway registers it when it starts"
    return _directory
