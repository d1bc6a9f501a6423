"""Hints at credit accounts, by number, whose requests have changed: one was admitted, has ended or was released."""

from common.storage.hints import Hints

__all__ = ["changed_accounts"]

changed_accounts = Hints("gateway.changed-accounts")
