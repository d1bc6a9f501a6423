"""Reasoning: what the writer says to itself before it answers."""

from sandbox.providers import tokens
from sandbox.providers.writer.brief import Brief

__all__ = ["thoughts"]

# Sentences by effort; a model that thinks harder says more.
_SENTENCES = {"minimal": 2, "low": 3, "medium": 6, "high": 12, "xhigh": 20, "max": 30}
_STEPS = (
    "First I restate the question in my own words.",
    "The key words are the ones about {t}.",
    "Is there anything ambiguous? A little, but the likely reading is clear.",
    "I could answer with a definition, an example, or both; both is more useful.",
    "A list is easier to scan than a long paragraph.",
    "Let me check for a hidden assumption about {t}.",
    "Nothing earlier in the conversation contradicts this.",
    "What would a careful reader object to? Probably the lack of an example.",
    "So I add one, and keep it short.",
    "Wait, the order matters: the general point first, then the detail.",
    "I compare two ways to put it and take the plainer one.",
    "That is enough; the answer can be written now.",
)


def thoughts(brief: Brief, effort: str) -> list[str]:
    """The tokens of the reasoning for `effort`."""
    wanted = _SENTENCES.get(effort, _SENTENCES["medium"])
    first = f"The user asks about {brief.topic}."
    if brief.earlier_topic:
        first += f" Before that it was {brief.earlier_topic}, so I can refer to it."
    if brief.attachments:
        first += f" There is something attached: {', '.join(brief.attachments)}."
    steps = [_STEPS[index % len(_STEPS)].format(t=brief.topic) for index in range(wanted - 1)]
    return tokens.split(" ".join([first, *steps]))
