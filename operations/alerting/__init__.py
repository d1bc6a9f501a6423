"""Faults of the running site: they are found, kept as incidents, and emailed to operators."""
