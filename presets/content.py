"""The content of a version: a system prompt and fields of requests. It is stored encrypted.

People write prompts into presets, and descriptions of tools, so nothing of it may stand in a row in the clear.
"""

from typing import Any

import msgspec

from common import encryption

from .models import PresetVersion

__all__ = ["Content", "Undecryptable", "opened", "rotate", "sealed"]

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


def rotate() -> tuple[int, list[str]]:
    """Encrypt every version again with the newest key, inside the caller's transaction.

    Return the number of versions, and the slugs of presets of which a version can't be read.
    """
    count, lost = 0, set()
    for version in PresetVersion.objects.select_related("preset").order_by("pk").iterator():
        try:
            content = encryption.rotate(version.content)
        except Undecryptable:
            lost.add(version.preset.slug)
        else:
            PresetVersion.objects.filter(pk=version.pk).update(content=content)
            count += 1
    return count, sorted(lost)
