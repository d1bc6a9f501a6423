"""Unit vectors for texts: the same text always has the same one, and texts with the same words are near each other.

Each word, and each three letters of a word, adds a few signed components at places that its hash says. A little of
every component comes from the hash of the whole text, as real vectors have no zeros.
"""

import hashlib
import re
import sys
from array import array
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from math import hypot, sqrt

from msgspec import Raw
from msgspec.json import encode

__all__ = ["encoded", "relevance", "vector"]

_WORD = re.compile(r"\w+")
_PLACES = 4  # components of each feature
_NOISE = 0.05  # share of the hash of the whole text

Input = str | tuple[int, ...]


@lru_cache(maxsize=512)
def vector(given: Input, dimensions: int) -> "array[float]":
    """The unit vector of a text, or of the IDs of its tokens."""
    components = [0.0] * dimensions
    for feature, weight in _features(given):
        digest = hashlib.blake2b(feature.encode("utf-8", "replace"), digest_size=4 * _PLACES).digest()
        for at in range(0, len(digest), 4):
            number = int.from_bytes(digest[at : at + 4], "little")
            components[(number >> 1) % dimensions] += weight if number & 1 else -weight
    length = hypot(*components) or 1.0
    whole = hashlib.shake_256(str(given).encode("utf-8", "replace")).digest(dimensions)
    noise = _NOISE / (74 * sqrt(dimensions))  # 74: the standard deviation of a byte
    components = [
        component / length + noise * (byte - 127.5) for component, byte in zip(components, whole, strict=True)
    ]
    length = hypot(*components)
    return array("f", [component / length for component in components])


def _features(given: Input) -> list[tuple[str, float]]:
    words = [f"#{token}" for token in given] if isinstance(given, tuple) else _WORD.findall(given.lower())
    features = [(word, 1.0) for word in words]
    if isinstance(given, str):
        features += [(f"_{word}_"[at : at + 3] + "~", 0.3) for word in words for at in range(len(word))]
    return features


@lru_cache(maxsize=64)
def encoded(inputs: Sequence[Input], dimensions: int, *, base64: bool) -> tuple[Raw, ...]:
    """The vectors as JSON: lists of numbers, or little-endian floats in base64. Cached, for benchmarks."""
    vectors = [vector(each, dimensions) for each in inputs]
    if not base64:
        return tuple(Raw(encode(each.tolist())) for each in vectors)
    return tuple(Raw(b'"' + b64encode(_little_endian(each)) + b'"') for each in vectors)


def _little_endian(floats: "array[float]") -> bytes:
    if sys.byteorder == "big":
        floats = floats[:]
        floats.byteswap()
    return floats.tobytes()


def relevance(query: str, document: str) -> float:
    """How near a document is to a query, from 0 to 1."""
    pairs = zip(vector(query, 512), vector(document, 512), strict=True)
    return round(min(1.0, max(0.0, sum(left * right for left, right in pairs))), 6)
