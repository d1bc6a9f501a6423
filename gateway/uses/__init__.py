"""What requests are used for, found in their text: only for accounts that have turned it on, and only in memory."""

from .requests import is_classified, use_of

__all__ = ["is_classified", "use_of"]
