"""Refusals that name the place of the fault."""

from common.errors import InvalidRequest

__all__ = ["fault"]


def fault(reason: str, place: str) -> InvalidRequest:
    """The refusal of the value at this place, such as `input[2].content[0].type`."""
    return InvalidRequest(f"Invalid request parameters: {reason} - at `$.{place}`")
