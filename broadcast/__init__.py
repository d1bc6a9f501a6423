"""Broadcast: usage events of an organization's requests, sent to its own destinations."""
