"""Fonts for the Chinese, Japanese and Korean characters of a document: Noto Sans, if its packages are installed.

They come in slices of some hundred characters, and a document loads those that its texts need.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

__all__ = ["MOST_SLICES", "slices_of"]

#: Slices that one document loads; loading one takes as long as writing some pages.
MOST_SLICES = 24
#: In the order of preference: the first has the characters that Chinese, Japanese and Korean share.
_FAMILIES = ("noto-sans-sc", "noto-sans-kr")
_SCRIPTS = ("cyrillic", "vietnamese", "latin-ext", "latin")  # which the document's own font has


def slices_of(char: str, node_modules: Path) -> list[Path]:
    """Return the files of the slices that should have the character, the preferred one first."""
    return _slices(node_modules).get(ord(char), [])


@lru_cache(maxsize=2)
def _slices(node_modules: Path) -> dict[int, list[Path]]:
    """Return the files for the code of each character."""
    found: dict[int, list[Path]] = {}
    for family in _FAMILIES:
        folder = node_modules / "@fontsource-variable" / family
        if not (index := folder / "unicode.json").is_file():
            continue
        for name, ranges in json.loads(index.read_text()).items():
            if name not in _SCRIPTS:
                file = folder / "files" / f"{family}-{name.strip('[]')}-wght-normal.woff2"
                for code in _codes(ranges):
                    found.setdefault(code, []).append(file)
    return found


def _codes(ranges: str) -> Iterator[int]:
    """Yield the codes of ranges such as "U+4e00-4e02,U+3042"."""
    for each in ranges.split(","):
        first, _, last = each.strip().removeprefix("U+").partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)
