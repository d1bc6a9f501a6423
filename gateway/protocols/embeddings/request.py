"""An embeddings request: parsed and checked once."""

from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.json_text import read_object
from gateway.protocols.tasks import TaskBody, common_fields, invalid, read_body

__all__ = ["MAX_INPUTS", "EmbeddingsRequest", "parse"]

#: Inputs of one request, as OpenAI documents it.
MAX_INPUTS = 2048

#: Content parts of an input. Whether the model accepts them is known once it is.
PARTS = ("text", "image_url", "input_audio", "video_url", "file")

#: A text, the IDs of its tokens, or its content parts.
Input = str | list[int] | list[dict[str, Any]]


class _Body(TaskBody, kw_only=True):
    """The fields that are checked, except `input`."""

    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    input_type: Annotated[str, Meta(max_length=100)] | None = None


class EmbeddingsRequest(ChatRequest, frozen=True, kw_only=True):
    """A checked request for embeddings. `messages` has one message for each of `inputs` that is not token IDs."""

    task: ClassVar[str] = "embeddings"

    inputs: list[Input]
    are_texts: bool  # every input is a text, as almost always: nothing looks into them one by one
    is_base64: bool  # vectors are returned as little-endian 32-bit floats in base64, else as lists of numbers
    dimensions: int | None
    input_type: str

    @property
    def has_texts_only(self) -> bool:
        return self.are_texts

    def place(self, part: int) -> str:
        given = self.body["input"]
        is_single = isinstance(given, str) or self.inputs[0] is given
        return "$.input" if is_single else f"$.input[{part}]"

    def caches_for_an_hour(self) -> bool:
        return False


def parse(body: bytes | dict[str, Any]) -> EmbeddingsRequest:
    """The request in a JSON body: bytes, whatever their Content-Type, or a decoded object.

    Raises InvalidRequest, which names the place and the reason of the first fault.
    """
    raw = read_object(body, '{"model": ..., "input": [...]}')
    checked = read_body(raw, _Body)
    inputs = _inputs(raw.get("input"))
    are_texts = {*map(type, inputs)} == {str}
    contents = inputs if are_texts else [each for each in inputs if isinstance(each, str) or isinstance(each[0], dict)]
    return EmbeddingsRequest(
        **common_fields(raw, checked),
        messages=[{"role": "user", "content": each} for each in contents],
        inputs=inputs,
        are_texts=are_texts,
        is_base64=checked.encoding_format == "base64",
        dimensions=checked.dimensions,
        input_type=checked.input_type or "",
    )


def _inputs(given: Any) -> list[Input]:
    """The inputs, one for each vector to return."""
    if isinstance(given, str):
        return [_text(given, "$.input")]
    if not isinstance(given, list):
        missing = "is required" if given is None else f"is {type(given).__name__}"
        raise invalid(f"`input` {missing}: expected a string, a list of strings, or lists of token IDs", "$.input")
    if not given:
        raise invalid("`input` is empty", "$.input")
    if _are_tokens(given):
        return [given]
    if len(given) > MAX_INPUTS:
        raise invalid(f"{len(given):,} inputs, at most {MAX_INPUTS:,} are accepted", "$.input")
    if {*map(type, given)} == {str} and all(given):
        return given
    return [_input(each, f"$.input[{index}]") for index, each in enumerate(given)]


def _input(given: Any, place: str) -> Input:
    if isinstance(given, str):
        return _text(given, place)
    if isinstance(given, list) and given and _are_tokens(given):
        return given
    if isinstance(given, dict) and isinstance(content := given.get("content"), list) and content:
        return [_part(part, f"{place}.content[{number}]") for number, part in enumerate(content)]
    raise invalid("expected a string, a list of token IDs, or an object with a list `content`", place)


def _text(text: str, place: str) -> str:
    if not text:
        raise invalid("the input is empty", place)
    return text


def _are_tokens(values: list[Any]) -> bool:
    return type(values[0]) is int and all(type(value) is int and value >= 0 for value in values)


def _part(part: Any, place: str) -> dict[str, Any]:
    if not isinstance(part, dict) or part.get("type") not in PARTS:
        raise invalid(f"expected a content part of type {', '.join(PARTS)}", place)
    kind = part["type"]
    wanted = str if kind == "text" else dict
    if not isinstance(part.get(kind), wanted) or not part[kind]:
        raise invalid(f"expected `{kind}` to be {'a text' if wanted is str else 'an object'}", place)
    if kind in {"image_url", "video_url"} and not isinstance(part[kind].get("url"), str):
        raise invalid("expected a string", f"{place}.{kind}.url")
    return part
