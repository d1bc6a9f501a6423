"""Encrypting stored configurations again with the newest key, and counting those that can't be read."""

from broadcast.models import Destination
from common import encryption

__all__ = ["rotate"]


def rotate() -> tuple[int, list[str]]:
    """Encrypt every configuration again with the newest key; returns how many, and the names of unreadable ones.

    Call it in a transaction.
    """
    rotated, lost = 0, []
    for row in Destination.objects.select_for_update().order_by("pk"):
        try:
            row.config = encryption.rotate(row.config)
        except encryption.Undecryptable:
            lost.append(f"{row} (account {row.organisation_id})")
        else:
            row.save(update_fields=["config"])
            rotated += 1
    return rotated, lost
