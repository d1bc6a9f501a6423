"""Anthropic's Messages protocol."""

from sandbox.providers.anthropic.protocol import Messages

__all__ = ["Messages"]
