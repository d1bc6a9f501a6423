"""The catalog in the admin: its rows, which operators edit, and its syncs with published sources."""

from . import catalogue, syncs

__all__ = ["catalogue", "syncs"]
