"""Words about an image, a file or a recording, without seeing or hearing it."""

import base64
import re
import struct
from typing import Any
from urllib.parse import urlsplit

__all__ = ["describe_attachment"]

_DATA = re.compile(r"data:image/(\w+)[^,]*;base64,(.{0,44})", re.IGNORECASE)


def describe_attachment(part: dict[str, Any]) -> str:
    """A few words about a content part that is not text: "a PNG image of 640 × 480 pixels"; empty for text."""
    match part:
        case {"type": "text"}:
            return ""
        case {"type": "image_url", "image_url": {"url": str(url)}} | {"type": "image_url", "image_url": str(url)}:
            return _image(url)
        case {"type": "file", "file": {"filename": str(name)}}:
            return f"the file {name}"
        case {"type": "input_audio", "input_audio": {"data": str(data)}}:
            return _recording(data)
        case {"type": "input_audio"}:
            return "a recording"
        case {"type": "video_url"}:
            return "a video"
    return f"a part of type {part.get('type')}"


def _image(url: str) -> str:
    data = _DATA.match(url)
    if not data:
        return f"an image at {_host(url)}"
    pixels = _pixels_of_png(data[2])
    return f"a {data[1].upper()} image" + (f" of {pixels[0]} × {pixels[1]} pixels" if pixels else "")


def _recording(encoded: str) -> str:
    """A recording, with the seconds of one in WAV whose format comes first in it."""
    head = _decoded(encoded[:60])
    if not (head.startswith(b"RIFF") and head[8:16] == b"WAVEfmt ") or len(head) < 44:
        return "a recording"
    rate = int.from_bytes(head[28:32], "little")  # bytes a second
    size = len(encoded) * 3 // 4 - 44
    return f"a recording of {size / rate:.0f} s" if rate else "a recording"


def _decoded(encoded: str) -> bytes:
    """The bytes of the beginning of a base64 text; none if it is not one."""
    try:
        return base64.b64decode(encoded[: len(encoded) // 4 * 4])
    except ValueError:
        return b""


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc or "an unknown address"
    except ValueError:  # such as "http://[", which is no address
        return "an unknown address"


def _pixels_of_png(encoded: str) -> tuple[int, int] | None:
    """(width, height) from the first bytes of a PNG image in base64; None for any other image."""
    data = _decoded(encoded)
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or len(data) < 24:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return width, height
