"""The content of a version: a system prompt and fields of requests. It is stored encrypted.

People write prompts into presets, and descriptions of tools, so nothing of it may stand in a row in the clear.
"""

from typing import Any

import msgspec

from common import encryption

from .models import PresetVersion

__all__ = ["Content", "Undecryptable", "opened", "sealed"]

Undecryptable = encryption.Undecryptable


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """`config` holds fields of a chat completion request, and `cache_enabled` and `cache_ttl_seconds`."""

    system_prompt: str = ""
    config: dict[str, Any] = {}


_decode = msgspec.json.Decoder(Content).decode


def sealed(content: Content) -> str:
    """Return the content, encrypted."""
    return encryption.encrypt(msgspec.json.encode(content).decode())


def opened(version: PresetVersion) -> Content:
    """Return the content of a version. Raises Undecryptable when the site no longer has its key."""
    return _decode(encryption.decrypt(version.content))
