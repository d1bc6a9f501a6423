"""The base of every answer that is not a success."""

from .store import Json

__all__ = ["ProviderError"]


class ProviderError(Exception):
    """The request is answered with this `status` and `body`. `kept` when the work that it ends stays on record."""

    status = 400
    kept = False

    def body(self) -> Json:
        """The JSON answer."""
        raise NotImplementedError
