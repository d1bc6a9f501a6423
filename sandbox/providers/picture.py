"""The image of every answer with images: a sunset over water, drawn here."""

import base64
import math
import struct
import zlib
from collections.abc import Iterator

__all__ = ["IMAGE", "IMAGE_TOKENS"]

_WIDTH, _HEIGHT = 384, 256
_HORIZON, _RADIUS = 168, 56
_TOP, _LOW, _SUN, _SEA = (24, 28, 74), (244, 142, 92), (255, 226, 150), (20, 36, 80)


def _between(first: tuple[int, ...], last: tuple[int, ...], share: float) -> bytes:
    return bytes(round(a + (b - a) * share) for a, b in zip(first, last, strict=True))


def _rows() -> Iterator[bytes]:
    """The rows of pixels, each with its filter, none, before it."""
    for y in range(_HEIGHT):
        if y < _HORIZON:
            color, sun = _between(_TOP, _LOW, y / _HORIZON), bytes(_SUN)
            half = round(math.sqrt(max(0, _RADIUS**2 - (_HORIZON - y) ** 2)))
        else:
            depth = (y - _HORIZON) / (_HEIGHT - _HORIZON)
            color, sun = _between(_LOW, _SEA, min(1, 0.35 + depth)), _between(_SUN, _SEA, depth)
            half = round(_RADIUS * (1 - depth) * (y // 4 % 2))  # the sun's light on the waves
        side = color * (_WIDTH // 2 - half)
        yield b"\0" + side + sun * (2 * half) + side


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png() -> bytes:
    head = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(_rows()), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


#: A PNG image in base64, and its tokens.
IMAGE = base64.b64encode(_png()).decode()
IMAGE_TOKENS = 1290
