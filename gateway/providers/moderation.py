"""Prompts refused by a provider's moderation. The prompt's text is quoted to its caller only."""

from collections.abc import Sequence
from typing import Any

import msgspec

from common.errors import ModerationRefused

__all__ = ["Moderation", "moderation_refusal"]

#: The longest quotation of the caller's text, in characters.
MAX_EXCERPT = 100


class Moderation(msgspec.Struct, frozen=True):
    """A provider's reasons for refusing a prompt; both fields are empty when it gives none."""

    reasons: tuple[str, ...] = ()
    flagged_input: str = ""


def moderation_refusal(
    moderation: Moderation, provider: str, model_id: str, messages: Sequence[dict[str, Any]]
) -> ModerationRefused:
    """The error for the caller. It quotes the flagged text, or the last user message when the provider named none."""
    because = f" ({', '.join(moderation.reasons)})" if moderation.reasons else ""
    return ModerationRefused(
        f"The moderation of {provider} refused this input{because}. Nothing was charged. "
        "Change the input, or choose another model or provider.",
        metadata={
            "reasons": list(moderation.reasons),
            "flagged_input": _excerpt(moderation.flagged_input or _last_user_text(messages)),
            "provider_name": provider,
            "model_slug": model_id,
        },
    )


def _excerpt(text: str) -> str:
    """The text, with its middle replaced by an ellipsis when it is long."""
    if len(text) <= MAX_EXCERPT:
        return text
    return f"{text[:49]}...{text[-48:]}"


def _last_user_text(messages: Sequence[dict[str, Any]]) -> str:
    content = next((message.get("content") for message in reversed(messages) if message.get("role") == "user"), "")
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in content if part.get("type") == "text")
    return content or ""
