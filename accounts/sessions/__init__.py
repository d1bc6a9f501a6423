"""Signed-in sessions: the devices they are on, when each was last seen, and how one is ended."""
