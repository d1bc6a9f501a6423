"""Requests and answers of `/embeddings`, for their description."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

__all__ = ["Body", "Response"]


class Body(msgspec.Struct, kw_only=True):
    """`input` is a text, token IDs, a list of either, or a list of inputs with content parts."""

    model: str
    input: str | list[Any]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    input_type: str | None = None
    models: list[str] | None = None
    provider: dict[str, Any] | None = None
    user: Annotated[str, Meta(max_length=256)] | None = None
    session_id: Annotated[str, Meta(max_length=256)] | None = None


class Vector(msgspec.Struct, kw_only=True):
    """The vector of one input: numbers, or little-endian 32-bit floats in base64."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class Usage(msgspec.Struct, kw_only=True):
    """Token counts, and the cost in USD."""

    prompt_tokens: int
    total_tokens: int
    cost: float
    is_byok: bool
    is_estimated: bool | None = None


class Response(msgspec.Struct, kw_only=True):
    """Vectors in the order of the inputs."""

    object: Literal["list"]
    id: str
    model: str
    provider: str
    data: list[Vector]
    usage: Usage | None = None
    openrouter_metadata: dict[str, Any] | None = None
