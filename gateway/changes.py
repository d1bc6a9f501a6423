"""Hints at credit accounts, by number, whose requests have changed: one was admitted, has ended or was released."""

from common.storage.hints import Hints

__all__ = ["GROUP", "changed_accounts"]

GROUP = "changed-accounts"
changed_accounts = Hints(GROUP)
