"""Prompts and responses of accounts that have turned on logging: recorded in memory, stored encrypted."""

from .recording import Recording, content_json, recording_of

__all__ = ["Recording", "content_json", "recording_of"]
