"""The topic of a question in a few words, found without understanding it."""

import re

__all__ = ["title_of", "topic_of"]

# Taken off the front of a question, one word after the other.
_OPENERS = frozenset(
    """a about an and answer any are at between brief briefly can code compare could describe detailed did do does
    explain for function give going hello help hey hi how i idea ideas implement in is it like list long make me my of
    on or please program query quick reply script search short show simple snippet some step steps summarize table
    tell that the their then this tips to use want was we were what when where which who why with words would write
    you your""".split()  # noqa: SIM905 a list of so many quoted words is harder to read
)
_MARKS = re.compile(r"[`*_#\"<>\[\]{}|\\]+")
_END = re.compile(r"(?<=[.?!])\s|[,:;(]|\s+works?\b")
_WORDS, _LONGEST = 6, 60  # words and characters


def topic_of(question: str) -> str:
    """A few words that name the topic of `question`; empty when it names none."""
    lines = [line.strip() for line in question.splitlines() if line.strip()]
    words = _MARKS.sub(" ", lines[0]).split() if lines else []
    while words and (words[0].strip(".,:;!?'").lower() in _OPENERS or words[0].isdigit()):
        words.pop(0)
    topic = _END.split(" ".join(words), maxsplit=1)[0]
    return " ".join(topic.split()[:_WORDS])[:_LONGEST].strip(" .!?")


def title_of(topic: str) -> str:
    """`topic` as a heading."""
    return topic[:1].upper() + topic[1:]
