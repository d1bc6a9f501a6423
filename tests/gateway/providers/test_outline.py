"""The outline of a response of vectors, whatever parts it arrives in."""

import msgspec
import pytest

from gateway.providers.retrieval.outline import Outline, beginning_of, is_list_of_numbers, outline_of

TEXT = b'{"data":[{"embedding":[0.25,-1e-3]},{"embedding":[7]},{"embedding":[1.5, 2]}],"usage":{"prompt_tokens":3}}'
OUTLINE = b'{"data":[{"embedding":[0]},{"embedding":[1]},{"embedding":[2]}],"usage":{"prompt_tokens":3}}'
LISTS = [b"[0.25,-1e-3]", b"[7]", b"[1.5, 2]"]
IN_BASE64 = (
    b'{"data":[{"embedding":"AACAPg==","index":0},{"embedding" : "AADg\\/w=="},{"embedding":""}],"object":"embedding"}'
)
OUTLINE_OF_BASE64 = b'{"data":[{"embedding":[0],"index":0},{"embedding" : [1]},{"embedding":[2]}],"object":"embedding"}'
TEXTS = [b'"AACAPg=="', b'"AADg\\/w=="', b'""']

both = pytest.mark.parametrize(
    ("text", "expected", "vectors"), [(TEXT, OUTLINE, LISTS), (IN_BASE64, OUTLINE_OF_BASE64, TEXTS)]
)


def read(*parts: bytes) -> Outline:
    outline = outline_of(b"".join(parts))
    for part in parts:
        outline.read(part)
    return outline


def restored(outline: Outline) -> list[bytes]:
    lists = outline.restored([msgspec.Raw(b"[%d]" % number) for number in range(3)])
    assert lists is not None
    return [bytes(each) for each in lists]


@both
@pytest.mark.parametrize("size", [1, 2, 3, 7, 20])
def test_parts_of_any_size_give_the_same_outline(text: bytes, expected: bytes, vectors: list[bytes], size: int):
    outline = read(*(text[start : start + size] for start in range(0, len(text), size)))
    assert (outline.text(), restored(outline)) == (expected, vectors)


@both
def test_a_cut_at_any_place_gives_the_same_outline(text: bytes, expected: bytes, vectors: list[bytes]):
    for cut in range(len(text) + 1):
        outline = read(text[:cut], text[cut:])
        assert (outline.text(), restored(outline)) == (expected, vectors), cut


@pytest.mark.parametrize(
    "text",
    [
        b'{"data":[]}',
        b'{"data":[[0.5],[ "1"]]}',
        b'{"data":[[0.5],[-Infinity]]}',
        b'{"data":["AAAA"]}',
        b'{"data":[[0.5],[null]]}',
        b'{"data":[[0.5],[{}]]}',
        b'{"data":[[0.5],[NaN]]}',
        b'{"data":[[0.5],["]"]]}',
        b'{"data":[{"embedding":"AAAA"},{"embedding":"AA\\"AA"}]}',
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


@pytest.mark.parametrize(
    ("vector", "are_numbers"),
    [
        (b"[" + b",".join([b"0.0123456789"] * 1536) + b"]", True),
        (b"[" + b",\n  ".join([b"-7e-05"] * 1536) + b"]", True),
        (b"[0.5, 1]", True),
        (b"[" + b",".join([b"0.5", b"0.5x"] * 800) + b"]", False),
        (b"[" + b"0" * 2000 + b"]", False),
        (b'"' + b"AAAA" * 500 + b'"', False),
    ],
)
def test_the_beginning_of_a_list_tells_whether_it_has_numbers(vector: bytes, are_numbers: bool):
    beginning = beginning_of(msgspec.Raw(vector))
    assert is_list_of_numbers(beginning) is are_numbers
    assert vector.startswith(bytes(beginning)[:-1])
