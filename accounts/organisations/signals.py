"""Signals for the apps above this one, sent inside the transaction that they report.

A receiver that raises `Refused` stops the act, and its message is shown.
"""

from django.dispatch import Signal

__all__ = ["Refused", "member_left", "organisation_deleted", "role_changed"]

#: A member has left or was removed. With `organisation`, `user`, and `heir`: the admin who takes over the member's
#: keys, or None to disable them. `actor` is the admin who removed them, or None if they left.
member_left = Signal()
#: A member has another role. With `organisation`, `user`, `role`, and `actor`, who changed it.
role_changed = Signal()
#: An organization is deleted. With `organisation`.
organisation_deleted = Signal()


class Refused(Exception):
    """The act is not possible. The message is for the user, and names the remedy."""
