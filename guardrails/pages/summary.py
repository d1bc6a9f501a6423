"""The restrictions of a guardrail in words, for its page."""

from typing import NamedTuple

from guardrails.models import Guardrail

__all__ = ["Line", "summary_of"]

_LISTS = {
    "allowed_models": "Allowed models",
    "ignored_models": "Excluded models",
    "allowed_providers": "Allowed providers",
    "ignored_providers": "Excluded providers",
}
_ZDR = {
    "enforce_zdr_anthropic": "Anthropic",
    "enforce_zdr_openai": "OpenAI",
    "enforce_zdr_google": "Google",
    "enforce_zdr_xai": "xAI",
    "enforce_zdr_other": "all others",
}
_FORBIDDEN = {
    "enable_paid_model_training": "No training on prompts of paid models",
    "enable_free_model_training": "No training on prompts of free models",
    "enable_free_model_publication": "No publication of prompts of free models",
}


class Line(NamedTuple):
    """One restriction: its name, a few words for the list of guardrails, and everything that it names."""

    label: str
    short: str
    names: list[str]
    are_ids: bool = False  # whether the names are IDs or slugs


def summary_of(guardrail: Guardrail) -> list[Line]:
    """Return the restrictions of a guardrail, its budget apart."""
    lines = []
    for field, label in _LISTS.items():
        if names := getattr(guardrail, field):
            lines.append(
                Line(label, f"{len(names)} {label.lower() if len(names) > 1 else label.lower()[:-1]}", names, True)
            )
    if groups := [name for field, name in _ZDR.items() if getattr(guardrail, field)]:
        if len(groups) == len(_ZDR):
            groups = ["All models"]
        lines.append(Line("Zero data retention", "Zero data retention", groups))
    forbidden = [text for field, text in _FORBIDDEN.items() if getattr(guardrail, field) is False]
    if forbidden:
        lines.append(Line("Data policy", "Data policy", forbidden))
    return lines
