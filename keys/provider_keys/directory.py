"""The providers for which customers may bring keys. The app that calls them knows, and registers itself."""

from collections.abc import Mapping
from typing import Protocol

__all__ = ["Directory", "Tested", "current", "provide"]


class Tested(Protocol):
    """The result of a test of a key: whether it works, a sentence without the key, whether the provider rejects it."""

    @property
    def works(self) -> bool: ...

    @property
    def text(self) -> str: ...

    @property
    def is_rejected(self) -> bool: ...


class Directory(Protocol):
    """What is known of providers and models."""

    def providers(self) -> Mapping[str, str]:
        """Return the names of the providers that take a customer's key, by slug, sorted by name."""

    def models_of(self, provider: str) -> Mapping[str, str]:
        """Return the names of a provider's models, by ID, sorted by name."""

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
