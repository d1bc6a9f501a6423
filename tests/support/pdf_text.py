"""The text of a PDF that fpdf2 and our glyphs have written, page by page, as readers of PDFs take it."""

import re
import unicodedata
import zlib

from fpdf.bidi import BIDI_BRACKETS

__all__ = ["lines_of_pages"]

_OPERATOR = re.compile(
    rb"/(?P<font>F\d+) [\d.]+ Tf"
    rb"|\((?P<string>(?:\\.|[^\\)])*)\) Tj"
    rb"|\[(?P<glyphs>[^\]]*)\] TJ"
    rb"|[\d.]+ (?P<height>[\d.]+) Td"
    rb"|/Span <</ActualText <feff(?P<actual>\w*)>>> BDC.*? EMC"
    rb"|(?P<end>\bET\b)|(?P<save>\bq\b)|(?P<restore>\bQ\b)",
    re.DOTALL,
)


def lines_of_pages(pdf: bytes) -> list[list[list[str]]]:
    """Return the pages, each as its lines from the top, each as its texts from the left.

    Text from the right comes in the order of reading.
    """
    objects = {int(number): body for number, body in re.findall(rb"(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj", pdf, re.DOTALL)}
    fonts = {
        name.decode(): _characters(objects, int(number))
        for body in objects.values()
        for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", body)
    }
    pages = [body for body in objects.values() if b"/Type /Page\n" in body]
    contents = [int(found[1]) for page in pages if (found := re.search(rb"/Contents (\d+) 0 R", page))]
    return [_lines(_stream(objects[number]), fonts) for number in contents]


def _lines(content: bytes, fonts: dict[str, dict[int, str]]) -> list[list[str]]:
    rows: dict[bytes, list[str]] = {}
    saved: list[str] = []
    font, height, shaped = "", b"", ""
    for found in _OPERATOR.finditer(content):
        if found["font"]:
            font = found["font"].decode()
        elif found["save"]:
            saved.append(font)
        elif found["restore"]:
            font = saved.pop()
        elif found["height"]:
            height = found["height"]
        elif found["string"] is not None:
            rows.setdefault(height, []).append(_text(found["string"], fonts[font]))
        elif found["glyphs"]:
            shaped += "".join(fonts[font][int(code, 16)] for code in re.findall(rb"<(\w{4})>", found["glyphs"]))
        elif found["actual"]:
            shaped += bytes.fromhex(found["actual"].decode()).decode("utf-16-be")
        elif found["end"] and shaped:
            rows.setdefault(height, []).append(_as_read(shaped))
            shaped = ""
    return list(rows.values())


def _as_read(text: str) -> str:
    if not any(unicodedata.bidirectional(char) in ("R", "AL") for char in text):
        return text
    return "".join(BIDI_BRACKETS[char]["pair"] if char in BIDI_BRACKETS else char for char in reversed(text))


def _text(escaped: bytes, characters: dict[int, str]) -> str:
    raw = re.sub(rb"\\(.)", lambda found: {b"n": b"\n", b"r": b"\r"}.get(found[1], found[1]), escaped, flags=re.DOTALL)
    if not characters:
        return raw.decode("latin-1")
    return "".join(characters[int.from_bytes(raw[at : at + 2])] for at in range(0, len(raw), 2))


def _characters(objects: dict[int, bytes], number: int) -> dict[int, str]:
    """Return the characters of a font's codes; none for a font that every reader has, whose codes are Latin-1."""
    if not (unicode := re.search(rb"/ToUnicode (\d+) 0 R", objects[number])):
        return {}
    pairs = re.findall(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]+)>", _stream(objects[int(unicode[1])]))
    return {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs}


def _stream(body: bytes) -> bytes:
    found = re.search(rb"stream\n(.*)\nendstream", body, re.DOTALL)
    assert found
    return zlib.decompress(found[1]) if b"/FlateDecode" in body[: found.start()] else found[1]
