"""A response of vectors without their numbers: what is left is short, and read in full.

A hundred vectors have megabytes of digits. Reading each of them only to pass it on would take most of the time that a
request for embeddings costs.
"""

from collections.abc import Mapping, Sequence
from typing import Self

import msgspec

__all__ = ["Outline", "is_list_of_numbers"]

#: Each JSON value that is not a number has one of these bytes: a string, an object, false and null, true and Infinity,
#: NaN. They are as few as can be, because each is looked for in all digits. A list without them has numbers only, or is
#: not what any JSON encoder writes.
_NOT_IN_NUMBERS = tuple(b'"{ltN')

_numbers = msgspec.json.Decoder(list[float])


class Outline:
    """A JSON text whose innermost lists, all of numbers, are replaced: by [0], [1]... in their order."""

    def __init__(self, text: bytes, lists: Mapping[bytes, msgspec.Raw]) -> None:
        self.text = text
        self._lists = lists  # by what stands in their place

    @classmethod
    def of(cls, payload: bytes) -> Self | None:
        """The outline of a text; None if it has no innermost lists, or one that is not of numbers.

        Only the first list is read in full, because an encoder writes all of them in the same way.
        """
        view = memoryview(payload)
        kept: list[bytes] = []
        lists: dict[bytes, msgspec.Raw] = {}
        position = 0
        while (end := payload.find(b"]", position)) >= 0:
            start = payload.rfind(b"[", position, end)
            if start < 0:  # the end of a list of lists
                kept.append(payload[position : end + 1])
            else:
                for byte in _NOT_IN_NUMBERS:
                    if payload.find(byte, start, end) >= 0:
                        return None
                place = b"[%d]" % len(lists)
                lists[place] = msgspec.Raw(view[start : end + 1])
                kept += (payload[position:start], place)
            position = end + 1
        if not lists or not is_list_of_numbers(lists[b"[0]"]):
            return None
        kept.append(payload[position:])
        return cls(b"".join(kept), lists)

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
