"""The outline of a response of vectors, whatever parts it arrives in."""

import msgspec
import pytest

from gateway.providers.retrieval.outline import Outline

TEXT = b'{"data":[{"embedding":[0.25,-1e-3]},{"embedding":[7]},{"embedding":[1.5, 2]}],"usage":{"prompt_tokens":3}}'
OUTLINE = b'{"data":[{"embedding":[0]},{"embedding":[1]},{"embedding":[2]}],"usage":{"prompt_tokens":3}}'
LISTS = [b"[0.25,-1e-3]", b"[7]", b"[1.5, 2]"]


def read(*parts: bytes) -> Outline:
    outline = Outline()
    for part in parts:
        outline.read(part)
    return outline


def restored(outline: Outline) -> list[bytes]:
    lists = outline.restored([msgspec.Raw(b"[%d]" % number) for number in range(3)])
    assert lists is not None
    return [bytes(each) for each in lists]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20, len(TEXT) - 1, len(TEXT)])
def test_parts_of_any_size_give_the_same_outline(size: int):
    outline = read(*(TEXT[start : start + size] for start in range(0, len(TEXT), size)))
    assert outline.text() == OUTLINE
    assert restored(outline) == LISTS


def test_a_cut_at_any_place_gives_the_same_outline():
    for cut in range(len(TEXT) + 1):
        outline = read(TEXT[:cut], TEXT[cut:])
        assert (outline.text(), restored(outline)) == (OUTLINE, LISTS), cut


@pytest.mark.parametrize(
    "text",
    [
        b'{"data":[]}',
        b'{"data":["AAAA"]}',
        b'{"data":[[0.5],[null]]}',
        b'{"data":[[0.5],[{}]]}',
        b'{"data":[[0.5],[NaN]]}',
        b'{"data":[[0.5],["]"]]}',
        b'{"data":[[0..5]]}',
        b'{"data":[[0.5',
        b"",
    ],
)
def test_a_text_with_other_lists_or_none_has_no_outline(text: bytes):
    assert read(text).text() is None
    assert read(*(text[place : place + 1] for place in range(len(text)))).text() is None


def test_lists_that_are_not_vectors_are_not_restored():
    outline = read(b'{"data":[{"embedding":[0.5]}],"shape":[1]}')
    assert outline.restored([msgspec.Raw(b"[0]")]) is None
    assert outline.restored([msgspec.Raw(b"[0]"), msgspec.Raw(b"[0]")]) is None
