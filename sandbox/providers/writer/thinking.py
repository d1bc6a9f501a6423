"""Reasoning: the text before an answer."""

from sandbox.providers.prompts import tokens
from sandbox.providers.writer.brief import Brief

__all__ = ["thoughts"]

# Sentences by effort: harder thinking is longer.
_SENTENCES = {"minimal": 2, "low": 3, "medium": 6, "high": 12, "xhigh": 20, "max": 30}
_STEPS = (
    "First I restate the question in my own words.",
    "The key words are the ones about {t}.",
    "I could answer with a definition, an example, or both; both is more useful.",
    "Let me check for a hidden assumption about {t}.",
    "Wait, the order matters: the general point first, then the detail.",
    "That is enough; the answer can be written now.",
)


def thoughts(brief: Brief, effort: str) -> list[str]:
    """The tokens of the reasoning for `effort`."""
    wanted = _SENTENCES.get(effort, _SENTENCES["medium"])
    steps = [_STEPS[number % len(_STEPS)].format(t=brief.topic) for number in range(wanted - 1)]
    return tokens.split(" ".join([f"The user asks about {brief.topic}.", *steps]))
