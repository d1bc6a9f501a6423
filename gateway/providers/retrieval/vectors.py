"""Vectors as JSON: lists of numbers, or little-endian 32-bit floats in base64. Only a change of format decodes them."""

import asyncio
import sys
from abc import abstractmethod
from array import array
from base64 import b64decode, b64encode

import msgspec

from gateway.events import Delta, Finished, Usage
from gateway.protocols.embeddings.request import EmbeddingsRequest
from gateway.providers import http
from gateway.providers.failures import ProviderFailure
from gateway.providers.stream import ProviderStream, checked_usage

from .outline import Outline, beginning_of, is_list_of_numbers, outline_of

__all__ = ["VectorsResponse", "token_usage"]

_numbers = msgspec.json.Decoder(list[float])
_string = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode

#: The first byte of a vector that is a list, and of one that is a text.
_LIST, _TEXT = b'["'


class VectorsResponse(ProviderStream):
    """A response to `request`, in one piece. A protocol implements `read`."""

    def __init__(self, response: http.UpstreamResponse, request: EmbeddingsRequest, inputs: int | None = None) -> None:
        """`inputs` is how many of the request's inputs the response is for; all by default."""
        super().__init__(response)
        self._request = request
        self._inputs = len(request.inputs) if inputs is None else inputs
        self._outline: Outline | None = None  # once the first part has arrived
        self._is_outlined = False  # the text that is parsed is the outline

    @abstractmethod
    def read(self, payload: bytes) -> list[msgspec.Raw]:
        """The vectors in one JSON text of this protocol, in the order of the inputs.

        Also fills `usage` and `upstream_id`. Raises ProviderFailure for an error that the provider reports,
        msgspec.DecodeError for a text that is not of this protocol.
        """

    def collect(self, part: bytes) -> None:
        super().collect(part)
        if self._outline is None:
            self._outline = outline_of(part)
        self._outline.read(part)

    def collected(self) -> bytes:
        """The outline of a response that has only vectors where vectors belong, and the whole text of any other."""
        text = self._outline.text() if self._outline else None
        self._is_outlined = text is not None
        return super().collected() if text is None else text

    def parse(self, payload: bytes) -> list[Delta | Finished]:
        vectors = self._by_outline(payload) if self._is_outlined else None
        if vectors is None:
            vectors = to_check = self.read(super().collected() if self._is_outlined else payload)
        else:
            to_check = [*map(beginning_of, vectors[:1])]  # an encoder writes all of them in the same way
        if not _are_vectors(to_check):
            raise ProviderFailure(502, "The provider sent an invalid response.")
        if len(vectors) != self._inputs:
            raise ProviderFailure(502, "The provider returned another number of embeddings than inputs.")
        return [Delta(vectors=vectors), Finished(finish_reason="stop", native_finish_reason="stop")]

    def _by_outline(self, outline: bytes) -> list[msgspec.Raw] | None:
        """The vectors of a response, by its outline; None if they are not all of its vectors."""
        assert self._outline is not None, "parts have arrived"
        try:
            return self._outline.restored(self.read(outline))
        except msgspec.DecodeError:
            return None

    async def next_batch(self) -> list[Delta | Finished] | None:
        """The events, with vectors in the format that the caller wants. Cancelling their conversion loses them."""
        batch = await super().next_batch()
        return batch and [
            Delta(vectors=await self._converted(event.vectors or [])) if isinstance(event, Delta) else event
            for event in batch
        ]

    async def _converted(self, vectors: list[msgspec.Raw]) -> list[msgspec.Raw]:
        convert, wanted = (_in_base64, _TEXT) if self._request.is_base64 else (_in_numbers, _LIST)
        if _formats(vectors) == {wanted}:
            return vectors
        converted = []
        for vector in vectors:
            converted.append(vector if _formats([vector]) == {wanted} else convert(vector))
            await asyncio.sleep(0)  # a conversion takes up to a millisecond: other responses go on in between
        return converted


def token_usage(tokens: int | None) -> Usage | None:
    """Usage with these prompt tokens; None if the provider counts none, since no input is empty."""
    return checked_usage(tokens, 0) if tokens else None


def _are_vectors(vectors: list[msgspec.Raw]) -> bool:
    """Whether these are lists of numbers, or texts of which the first is floats in base64."""
    formats = _formats(vectors)
    if _LIST in formats:
        return len(formats) == 1 and all(map(is_list_of_numbers, vectors))
    return all(_floats(vector) for vector in vectors[:1])


def _formats(vectors: list[msgspec.Raw]) -> set[int]:
    """The first bytes of the vectors."""
    return {memoryview(vector)[0] for vector in vectors}


def _in_base64(vector: msgspec.Raw) -> msgspec.Raw:
    try:
        floats = array("f", _numbers.decode(vector))
    except msgspec.DecodeError as error:  # not a list of numbers
        raise ProviderFailure(502, "The provider sent an invalid response.") from error
    if sys.byteorder == "big":
        floats.byteswap()
    return msgspec.Raw(b'"' + b64encode(floats.tobytes()) + b'"')


def _in_numbers(vector: msgspec.Raw) -> msgspec.Raw:
    floats = _floats(vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return msgspec.Raw(_encode(floats.tolist()))


def _floats(vector: msgspec.Raw) -> "array[float]":
    try:
        return array("f", b64decode(_string.decode(vector), validate=True))
    except ValueError as error:  # no string, not base64, or not a whole number of floats
        raise ProviderFailure(502, "The provider sent an invalid response.") from error
