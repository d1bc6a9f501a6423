"""Further fonts for the characters that a document's own font lacks: Noto Sans, if its packages are installed.

They come in slices, of a script or of some hundred characters, and a document loads those that its texts need.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from django.conf import settings
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

__all__ = ["MOST_SLICES", "Slice", "regular_weight", "slices_of"]

#: Slices that one document loads; loading one takes as long as writing some pages.
MOST_SLICES = 24
#: In the order of preference: the first has the characters that Chinese, Japanese and Korean share.
_UNSHAPED = ("sc", "kr")
#: Scripts whose letters change with their neighbors, or that are written from the right, and some without a font else.
_SHAPED = (
    *("arabic", "hebrew", "thaana"),
    *("devanagari", "bengali", "gurmukhi", "gujarati", "oriya", "tamil", "telugu", "kannada", "malayalam", "sinhala"),
    *("thai", "lao", "khmer", "myanmar"),
    *("armenian", "georgian", "ethiopic"),
)


class Slice(NamedTuple):
    """A font's file. `is_shaped` says that its glyphs depend on their neighbors; `is_variable`, that it has weights."""

    file: Path
    is_shaped: bool
    is_variable: bool


def regular_weight(file: Path) -> Path:
    """Return a file with the regular weight of a variable font, made at its first use and kept in DATA_DIR.

    Making it takes 0.2 s of CPU. All slices together take 13 MB.
    """
    content = file.read_bytes()
    made: Path = settings.DATA_DIR / "fonts" / f"{file.stem}-{sha256(content).hexdigest()[:16]}.ttf"
    if not made.exists():
        font = TTFont(BytesIO(content), recalcTimestamp=False)
        instantiateVariableFont(font, {"wght": 400}, inplace=True, static=True)
        font.flavor = None  # uncompressed: read several times faster
        made.parent.mkdir(exist_ok=True)
        unfinished = made.with_suffix(f".{uuid4().hex}")
        font.save(unfinished)
        unfinished.replace(made)  # other threads and processes see the whole file, or none
    return made


def slices_of(char: str, node_modules: Path) -> list[Slice]:
    """Return the slices that should have the character, the preferred one first."""
    return _slices(node_modules).get(ord(char), [])


@lru_cache(maxsize=2)
def _slices(node_modules: Path) -> dict[int, list[Slice]]:
    """Return the slices for the code of each character."""
    found: dict[int, list[Slice]] = {}
    for script in _SHAPED:
        # Files of a single weight and with zlib: fonttools reads them faster than the variable ones.
        folder = node_modules / f"@fontsource/noto-sans-{script}"
        file = Slice(folder / f"files/noto-sans-{script}-{script}-400-normal.woff", True, False)
        for code in _codes(_ranges(folder).get(script, "")):
            found.setdefault(code, []).append(file)
    for family in _UNSHAPED:
        folder = node_modules / f"@fontsource-variable/noto-sans-{family}"
        for name, ranges in _ranges(folder).items():
            name = f"noto-sans-{family}-{name.strip('[]')}-wght-normal.woff2"
            file = Slice(folder / "files" / name, False, True)
            for code in _codes(ranges):
                found.setdefault(code, []).append(file)
    return found


def _ranges(folder: Path) -> dict[str, str]:
    """Return the ranges of codes of a package's slices by name; none if it is not installed."""
    index = folder / "unicode.json"
    return json.loads(index.read_text()) if index.is_file() else {}


def _codes(ranges: str) -> Iterator[int]:
    """Yield the codes of ranges such as "U+4e00-4e02,U+3042"."""
    for each in filter(None, ranges.split(",")):
        first, _, last = each.strip().removeprefix("U+").partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)
