"""Usage as providers report it."""

from typing import Any

from sandbox.providers.answer import Usage
from sandbox.providers.dialects import Dialect

__all__ = ["usage_body"]


def usage_body(usage: Usage, dialect: Dialect) -> dict[str, Any]:
    """`usage` in the words of `dialect`."""
    prompt_details: dict[str, Any] = {"cached_tokens": usage.cached}
    if usage.cache_write:
        prompt_details["cache_write_tokens"] = usage.cache_write
    if usage.audio:
        prompt_details["audio_tokens"] = usage.audio
    body: dict[str, Any] = {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion + (usage.reasoning if usage.reasoning_apart else 0),
        "prompt_tokens_details": prompt_details,
    }
    kinds = {
        "reasoning_tokens": usage.reasoning,
        "image_tokens": usage.image,
        "accepted_prediction_tokens": usage.accepted_prediction,
        "rejected_prediction_tokens": usage.rejected_prediction,
    }
    if details := {name: tokens for name, tokens in kinds.items() if tokens}:
        body["completion_tokens_details"] = details
    if dialect.usage_style == "hit-miss":
        body["prompt_cache_hit_tokens"] = usage.cached
        body["prompt_cache_miss_tokens"] = usage.prompt - usage.cached
    elif dialect.usage_style == "flat":
        del body["prompt_tokens_details"]
        body["cached_tokens"] = usage.cached
    elif dialect.usage_style == "text":
        return {name: str(number) for name, number in body.items() if isinstance(number, int)}
    return body
