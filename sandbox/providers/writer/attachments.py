"""What can be said about an image, a file or a recording without seeing or hearing it."""

import base64
import binascii
import re
import struct
from typing import Any
from urllib.parse import urlsplit

__all__ = ["describe_attachment"]

_DATA = re.compile(r"data:([\w.+/-]*)[^,]*;base64,", re.IGNORECASE)


def describe_attachment(part: dict[str, Any]) -> str:
    """A few words about a content part that is not text: "a PNG image of 640 × 480 pixels"; empty for text."""
    match part:
        case {"type": "image_url", "image_url": {"url": str(url)}} | {"type": "image_url", "image_url": str(url)}:
            return _image(url)
        case {"type": "file", "file": dict(file)}:
            name = str(file.get("filename") or "a file")
            return f"{name} ({_size(str(file.get('file_data') or ''))})"
        case {"type": "input_audio", "input_audio": dict(audio)}:
            return f"a recording ({audio.get('format', 'audio')}, {_size(str(audio.get('data') or ''))})"
        case {"type": "video_url"}:
            return "a video"
        case {"type": "text"}:
            return ""
    return f"a part of type {part.get('type')}"


def _image(url: str) -> str:
    start = _DATA.match(url)
    if not start:
        return f"an image at {urlsplit(url).netloc or 'an unknown address'}"
    kind = start[1].rpartition("/")[2].upper() or "UNKNOWN"
    article = "an" if kind[:1] in "AEFHILMNORSX" else "a"
    try:
        data = base64.b64decode(url[start.end() :], validate=False)
    except (binascii.Error, ValueError):
        return f"{article} {kind} image that cannot be decoded"
    pixels = pixels_of(data)
    size = f" of {pixels[0]} × {pixels[1]} pixels" if pixels else ""
    return f"{article} {kind} image{size}"


def pixels_of(data: bytes) -> tuple[int, int] | None:
    """(width, height) of a PNG, GIF, JPEG or WebP image; None when it is none of these."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return width, height
    if data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    return _jpeg_pixels(data) if data.startswith(b"\xff\xd8") else None


def _jpeg_pixels(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        at += 2 + length
    return None


def _size(data: str) -> str:
    size = len(data.partition("base64,")[2] or data) * 3 // 4
    return f"{size / 1024:.1f} KiB" if size >= 1024 else f"{size} bytes"
