"""A response of vectors without their numbers: what is left is short, and read in full.

A hundred vectors have megabytes of digits. Reading each of them only to pass it on would take most of the time that a
request for embeddings costs.
"""

from collections.abc import Sequence

import msgspec

__all__ = ["Outline", "is_list_of_numbers"]

#: Each JSON value that is not a number has one of these bytes: a string, an object, false and null, true and Infinity,
#: NaN. They are as few as can be, because each is looked for in all digits. A list without them has numbers only, or is
#: not what any JSON encoder writes.
_NOT_IN_NUMBERS = tuple(b'"{ltN')

_numbers = msgspec.json.Decoder(list[float])


class Outline:
    """A JSON text whose innermost lists, all of numbers, are replaced: by [0], [1]... in their order.

    It takes the parts of a text as they arrive, because a part is read fastest before the next one comes.
    """

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._lists: dict[bytes, msgspec.Raw] = {}  # by what stands in their place
        self._unread: list[bytes] = []  # since the last list
        self._has_others = False  # an innermost list that is not of numbers

    def read(self, part: bytes) -> None:
        """Read the next part of the text."""
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
                self._has_others = any(text.find(byte, start, end) >= 0 for byte in _NOT_IN_NUMBERS)
                place = b"[%d]" % len(self._lists)
                self._lists[place] = msgspec.Raw(view[start : end + 1])
                self._kept += (text[position:start], place)
            position = end + 1
        return position

    def text(self) -> bytes | None:
        """The outline of the text; None if it has no innermost lists, or one that is not of numbers.

        Only the first list is read in full, because an encoder writes all of them in the same way.
        """
        if self._has_others or not self._lists or not is_list_of_numbers(self._lists[b"[0]"]):
            return None
        return b"".join((*self._kept, *self._unread))

    def restored(self, places: Sequence[msgspec.Raw]) -> list[msgspec.Raw] | None:
        """The lists that stood in these places of the text; None if these are not all of its lists, each once."""
        names = [bytes(place) for place in places]
        if len(names) != len(self._lists) or self._lists.keys() != {*names}:
            return None
        return [self._lists[name] for name in names]


def is_list_of_numbers(text: msgspec.Raw) -> bool:
    """Whether the JSON is a list of numbers that is not empty."""
    try:
        return bool(_numbers.decode(text))
    except msgspec.DecodeError:
        return False
