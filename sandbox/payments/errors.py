"""The base of every answer that is not a success."""

import abc

from .store import Json

__all__ = ["ProviderError"]


class ProviderError(Exception, abc.ABC):
    """The request is answered with this `status` and `body`. `kept` when the work that it ends stays on record."""

    status = 400
    kept = False

    @abc.abstractmethod
    def body(self) -> Json:
        """The JSON answer."""
