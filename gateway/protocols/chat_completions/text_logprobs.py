"""Log probabilities in the form of text completions, which count characters. Pure."""

from typing import Any

__all__ = ["in_text_form"]


def in_text_form(logprobs: Any, offset: int) -> Any:
    """The `logprobs` of a choice in the older form. `offset` is the place of the first token, in characters.

    Log probabilities of another form are returned as they are.
    """
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(tokens, list) or not all(isinstance(one, dict) for one in tokens):
        return logprobs
    offsets = []
    for one in tokens:
        offsets.append(offset)
        offset += len(str(one.get("token") or ""))
    return {
        "tokens": [one.get("token") for one in tokens],
        "token_logprobs": [one.get("logprob") for one in tokens],
        "top_logprobs": [
            {other.get("token"): other.get("logprob") for other in one.get("top_logprobs") or ()} for one in tokens
        ],
        "text_offset": offsets,
    }
