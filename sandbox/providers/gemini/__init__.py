"""Google's Gemini protocol."""

from sandbox.providers.gemini.protocol import Generation

__all__ = ["Generation"]
