"""A response of vectors without the vectors: what is left is short, and read in full.

A hundred vectors have megabytes of digits, or of base64. Reading each of them only to pass it on would take most of the
time that a request for embeddings costs.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

import msgspec

__all__ = ["Outline", "beginning_of", "is_list_of_numbers", "outline_of"]

#: Each JSON value that is not a number has one of these bytes: a string, an object, false and null, true and Infinity,
#: NaN. They are as few as can be, because each is looked for in all digits. A list without them has numbers only, or is
#: not what any JSON encoder writes.
_NOT_IN_NUMBERS = tuple(b'"{ltN')
#: The bytes of a list's beginning.
_BEGINNING = 1024

#: The beginning of a vector in base64, in OpenAI's protocol.
_TEXT_BEGINS = re.compile(rb'"embedding"\s*:\s*"')
#: The first text begins within this many bytes, and none is longer than this many.
_MAX_START, _MAX_TEXT = 4096, 1024 * 1024

_numbers = msgspec.json.Decoder(list[float])


class Outline(ABC):
    """A JSON text whose vectors are replaced: by [0], [1]... in their order.

    It takes the parts of a text as they arrive, because a part is read fastest before the next one comes.
    """

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._vectors: dict[bytes, msgspec.Raw] = {}  # by what stands in their place
        self._unread: list[bytes] = []  # since the last vector
        self._has_others = False  # something in the place of a vector is none

    @abstractmethod
    def read(self, part: bytes) -> None:
        """Read the next part of the text."""

    def _cut_out(self, before: bytes, vector: "bytes | memoryview[int]") -> None:
        """Replace a vector, with the text between it and the one before."""
        place = b"[%d]" % len(self._vectors)
        self._vectors[place] = msgspec.Raw(vector)
        self._kept += (before, place)

    def text(self) -> bytes | None:
        """The outline of the text; None if it has no vectors, or something else in the place of one."""
        if self._has_others or not self._vectors:
            return None
        return b"".join((*self._kept, *self._unread))

    def restored(self, places: Sequence[msgspec.Raw]) -> list[msgspec.Raw] | None:
        """The vectors that stood in these places of the text; None if these are not all of its vectors, each once."""
        names = [bytes(place) for place in places]
        if len(names) != len(self._vectors) or self._vectors.keys() != {*names}:
            return None
        return [self._vectors[name] for name in names]


def outline_of(start: bytes) -> Outline:
    """The outline of a text that begins with this part, which is yet to be read."""
    return _OutlineOfTexts() if _TEXT_BEGINS.search(start, 0, _MAX_START) else _OutlineOfLists()


class _OutlineOfLists(Outline):
    """Vectors that are lists: every innermost list of the text, all of numbers."""

    def read(self, part: bytes) -> None:
        position = 0
        if self._unread and not self._has_others:
            position = part.find(b"]") + 1
            self._unread.append(part[:position] if position else part)
            if not position:
                return
            self._read_lists(b"".join(self._unread), 0)
        self._unread = [] if self._has_others else [part[self._read_lists(part, position) :]]

    def _read_lists(self, text: bytes, position: int) -> int:
        """Read the text from here up to the end of its last list. Return where that is."""
        view = memoryview(text)
        while not self._has_others and (end := text.find(b"]", position)) >= 0:
            start = text.rfind(b"[", position, end)
            if start < 0:  # the end of a list of lists
                self._kept.append(text[position : end + 1])
            else:
                self._has_others = start + 1 == end  # it is empty
                for byte in _NOT_IN_NUMBERS:
                    if text.find(byte, start, end) >= 0:
                        self._has_others = True
                self._cut_out(text[position:start], view[start : end + 1])
            position = end + 1
        return position


class _OutlineOfTexts(Outline):
    """Vectors in base64: every text that is the value of a field `embedding`."""

    _is_within = False  # what is unread ends within a vector

    def read(self, part: bytes) -> None:
        if self._has_others:
            return
        position = 0
        if before := b"".join(self._unread):
            # Of a part that begins within a vector, only the rest of that vector is copied.
            position = (part.find(b'"') + 1 if self._is_within else 0) or len(part)
            self._read_texts(before + part[:position], 0)
        if position < len(part):
            self._read_texts(part, position)

    def _read_texts(self, text: bytes, position: int) -> None:
        """Read the text from here; what follows the last vector stays unread."""
        view = memoryview(text)
        self._is_within = False
        while begins := _TEXT_BEGINS.search(text, position):
            start = begins.end()
            end = text.find(b'"', start)
            self._is_within = end < 0
            if self._is_within:
                break
            self._has_others = self._has_others or text[end - 1] == b"\\"[0]  # base64 has no quotation marks
            self._cut_out(text[position : start - 1], view[start - 1 : end + 1])
            position = end + 1
        self._unread = [text[position:]]
        self._has_others = self._has_others or len(text) - position > _MAX_TEXT


def beginning_of(vector: msgspec.Raw) -> msgspec.Raw:
    """The first numbers of a long list as a list; anything else as it is."""
    view = memoryview(vector)
    start, comma, _ = bytes(view[:_BEGINNING]).rpartition(b",")
    return msgspec.Raw(start + b"]") if comma and len(view) > _BEGINNING else vector


def is_list_of_numbers(text: msgspec.Raw) -> bool:
    """Whether the JSON is a list of numbers that is not empty."""
    try:
        return bool(_numbers.decode(text))
    except msgspec.DecodeError:
        return False
