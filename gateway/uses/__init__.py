"""Finding the use of a request in its text: only where the account has agreed, and only in memory."""

from .requests import is_classified, use_of

__all__ = ["is_classified", "use_of"]
