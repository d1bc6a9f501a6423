"""The signals of a deletion, and the person who leaves.

An app connects its receivers to them in its `AppConfig.ready`:

- `locking`: lock the rows of money that the app's receiver of `account_deleted` changes, before any app changes any.
- `account_deleted`: in the same transaction, remove what the app holds of the person. Both get `leaving`.
- `finishing`: after the commit, do what takes long, needs another service or has to wait for running requests. It gets
  `deletion` (an `AccountDeletion`) and returns what it waits for ("the payment provider"), or an empty string. It is
  sent again until no receiver waits, so it must be safe to repeat.
"""

from dataclasses import dataclass

from django.dispatch import Signal

from accounts.models import AccountDeletion, Organisation, User

__all__ = ["Leaving", "account_deleted", "finishing", "locking"]

locking = Signal()
account_deleted = Signal()
finishing = Signal()


@dataclass(frozen=True)
class Leaving:
    """A person whose account is being deleted, as they were."""

    user: User
    deletion: AccountDeletion
    addresses: tuple[str, ...]  # every email address of theirs, in lowercase
    verified: tuple[str, ...]  # those that were verified
    organisations: tuple[Organisation, ...]  # closed with the account: the personal one, and those without others
    left_ids: tuple[int, ...]  # of the organizations that live on without them
