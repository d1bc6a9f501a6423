"""Signals of signing in, for the apps above this one."""

from django.dispatch import Signal

__all__ = ["new_browser"]

#: A user has signed in with a browser that is new to them. With `user`, and `seen`: what `notices.seen_in` returned.
new_browser = Signal()
