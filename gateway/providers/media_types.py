"""The media types of images and PDFs, told by their first bytes. Pure."""

import binascii
from base64 import b64decode
from collections.abc import Collection

from .failures import ProviderFailure

__all__ = ["IMAGE_TYPES", "media_type_of", "media_type_of_base64", "refuse_unsupported_image"]

#: What nearly every provider takes.
IMAGE_TYPES = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


def media_type_of(start: bytes) -> str:
    """The media type of a file that begins with these bytes (16 are enough); empty when it is none of ours."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in _SIGNATURES if start.startswith(signature)), "")


def media_type_of_base64(data: str, declared: str) -> str:
    """The media type by the first bytes of a file in base64; the declared one when they tell nothing."""
    try:
        start = b64decode(data[:24])
    except (binascii.Error, ValueError):
        return declared
    return media_type_of(start) or declared


def refuse_unsupported_image(media_type: str, accepted: Collection[str]) -> None:
    """ProviderFailure, with the accepted types, for an image of another type: another provider may take it."""
    if media_type not in accepted:
        types = ", ".join(sorted(accepted))
        raise ProviderFailure(
            400,
            f"This provider does not accept images of type {media_type or 'unknown'}. It accepts {types}.",
            error_type="invalid_request",
        )
