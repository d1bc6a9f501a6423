"""A prompt that a provider's moderation refused, as its caller is told. What was said goes back to the caller only."""

from collections.abc import Sequence
from typing import Any

import msgspec

from common.errors import ModerationRefused

__all__ = ["Moderation", "moderation_refusal"]

#: The most of the caller's text that is shown, in characters.
LONGEST_EXCERPT = 100


class Moderation(msgspec.Struct, frozen=True):
    """What a provider says of a prompt that it refused; both are empty when it says nothing."""

    reasons: tuple[str, ...] = ()
    flagged_input: str = ""


def moderation_refusal(
    moderation: Moderation, provider: str, model_id: str, messages: Sequence[dict[str, Any]]
) -> ModerationRefused:
    """The error for the caller. Without the provider's word for it, what the user said last was flagged."""
    because = f" ({', '.join(moderation.reasons)})" if moderation.reasons else ""
    return ModerationRefused(
        f"The moderation of {provider} refused this input{because}. Nothing was charged. "
        "Change the input, or choose another model or provider.",
        metadata={
            "reasons": list(moderation.reasons),
            "flagged_input": _excerpt(moderation.flagged_input or _said_last(messages)),
            "provider_name": provider,
            "model_slug": model_id,
        },
    )


def _excerpt(text: str) -> str:
    """The text, without its middle when it is long."""
    if len(text) <= LONGEST_EXCERPT:
        return text
    return f"{text[:49]}...{text[-48:]}"


def _said_last(messages: Sequence[dict[str, Any]]) -> str:
    content = next((message.get("content") for message in reversed(messages) if message.get("role") == "user"), "")
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in content if part.get("type") == "text")
    return content or ""
