"""A stored response: its events and what is told of its origin, and its bytes. Pure."""

from collections.abc import Sequence
from typing import Generic, TypeVar, cast

import msgspec

from gateway.events import Delta, Finished

__all__ = ["StoredResponse", "decode", "encode", "encode_event"]

Item = TypeVar("Item")


class _Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event. Exactly one field is set."""

    delta: Delta | None = None
    finished: Finished | None = None


class StoredResponse(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """A complete response. The fields are those of `Started`, from the request that a provider has served."""

    source_id: str  # of that request
    stored_at: float  # unix seconds
    ttl: int  # seconds
    model: str
    provider: str
    provider_slug: str
    simulated: bool
    system_fingerprint: str | None
    events: Sequence[Item]


# JSON, because events may contain values that are JSON already.
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(StoredResponse[_Item]).decode


def encode_event(event: Delta | Finished) -> msgspec.Raw:
    """One event of a response to store."""
    return msgspec.Raw(_encode(_Item(delta=event) if isinstance(event, Delta) else _Item(finished=event)))


def encode(response: StoredResponse[msgspec.Raw]) -> bytes:
    """The response as bytes."""
    return _encode(response)


def decode(content: bytes) -> StoredResponse[Delta | Finished] | None:
    """The response in these bytes; None if another version of the program has written something else."""
    try:
        found = _decode(content)
    except msgspec.MsgspecError:
        return None
    events = [item.delta or item.finished for item in found.events]
    if None in events:
        return None
    return cast("StoredResponse[Delta | Finished]", msgspec.structs.replace(found, events=events))
