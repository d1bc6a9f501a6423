"""Sentences, paragraphs and essays about any topic: true of everything, and therefore news about nothing."""

import re
from collections.abc import Iterator
from random import Random

from sandbox.providers.writer.topic import title_of

__all__ = ["essay", "haiku", "paragraph", "points", "sentence"]

_STARTS = (
    "In practice, ",
    "Seen from a distance, ",
    "Over time, ",
    "As a rule of thumb, ",
    "On closer inspection, ",
    "At first sight, ",
    "Day to day, ",
    "More often than not, ",
    "With *{t}*, ",
    "Here as elsewhere, ",
    "For a newcomer, ",
    "In the end, ",
)
_CLAIMS = (
    "the simplest explanation is the best place to begin",
    "one concrete example teaches more than a page of definitions",
    "the details matter less than the question that is being asked",
    "small assumptions decide large outcomes",
    "what can be measured should be measured before it is argued about",
    "it helps to write down what would change your mind",
    "the exceptions are where the interesting questions hide",
    "two careful people can disagree and both have good reasons",
    "the history explains many of today's habits",
    "a drawing or a short list makes the parts visible",
    "it pays to separate what is known from what is merely repeated",
    "the first answer is seldom the last one",
    "names are borrowed from everyday life and then mean something narrower",
    "a good test is whether you can explain it to a friend in a minute",
    "cost, time and quality pull in three directions",
    "the order of the steps turns out to matter",
)
_ENDS = (
    "",
    "",
    ", and that is worth the effort",
    ", even if it takes a little patience",
    ", which is easy to overlook",
    "; the rest follows from there",
    ", so start small and look again",
    ", whatever the scale",
    ", and most mistakes come from skipping it",
    ", as anyone who has tried it will confirm",
)
_OPENINGS = (
    "Here is a short overview of *{t}*.",
    "You asked about *{t}*: here is how such an answer could begin.",
    "*{T}*: first the general idea, then a few points to look at.",
    "A good way into *{t}* is to begin with the plain questions.",
)
_HEADINGS = (
    "The idea in brief",
    "Where to begin",
    "What usually goes wrong",
    "A worked example",
    "Costs and benefits",
    "Different points of view",
    "How it came about",
    "Questions worth asking",
    "In everyday life",
    "What to read next",
    "Common misunderstandings",
    "Putting it together",
)
_POINTS = (
    ("Purpose", "what it is for, and for whom"),
    ("Parts", "the pieces it is made of, and how they fit together"),
    ("Process", "what happens first, next and last"),
    ("Limits", "where it stops working, and what to use instead"),
    ("Evidence", "how you would check a claim about it"),
    ("Cost", "what it takes in time, money and attention"),
    ("History", "which problem it answered when it was new"),
    ("Vocabulary", "the five words you need to follow a conversation"),
    ("People", "who does it well, and what they do differently"),
    ("Practice", "a first exercise that takes ten minutes"),
    ("Mistakes", "the one that beginners make, and the one that experts make"),
    ("Next step", "the smallest useful thing to do today"),
)


def sentence(topic: str, chance: Random) -> str:
    """One sentence about `topic`."""
    text = (chance.choice(_STARTS) + chance.choice(_CLAIMS) + chance.choice(_ENDS)).format(t=topic)
    return f"{text[:1].upper()}{text[1:]}."


def opening(topic: str, chance: Random) -> str:
    return chance.choice(_OPENINGS).format(t=topic, T=title_of(topic))


def paragraph(topic: str, chance: Random, sentences: int = 3) -> str:
    """A paragraph of so many sentences, no claim twice."""
    claims = chance.sample(_CLAIMS, min(sentences, len(_CLAIMS)))
    starts = chance.sample(_STARTS, len(_STARTS))
    ends = chance.sample(_ENDS, len(_ENDS))
    made = []
    for index in range(sentences):
        text = starts[index % len(starts)] + claims[index % len(claims)] + ends[index % len(ends)]
        text = text.format(t=topic)
        made.append(f"{text[:1].upper()}{text[1:]}.")
    return " ".join(made)


def points(topic: str, chance: Random, count: int) -> list[tuple[str, str]]:
    """(name, explanation) of so many points."""
    shuffled = chance.sample(_POINTS, len(_POINTS))
    made = []
    for index in range(count):
        name, text = shuffled[index % len(shuffled)]
        again = index // len(shuffled)
        made.append((f"{name} ({again + 1})" if again else name, text.format(t=topic)))
    return made


def essay(topic: str, words: int, chance: Random) -> str:
    """An essay of exactly `words` words, with headings that do not count."""
    blocks = [f"# {title_of(topic)}"]
    for text in _cut(_paragraphs(topic, chance), words):
        if len(blocks) % 3 == 0:
            heading = _HEADINGS[len(blocks) // 3 % len(_HEADINGS)]
            blocks.append(f"## {heading}")
        blocks.append(text)
    return "\n\n".join(blocks)


def _paragraphs(topic: str, chance: Random) -> Iterator[str]:
    yield opening(topic, chance) + " " + paragraph(topic, chance, 3)
    while True:
        yield paragraph(topic, chance, chance.randint(3, 5))


def _cut(texts: Iterator[str], words: int) -> Iterator[str]:
    while words > 0:
        text = next(texts)
        found = text.split()
        if len(found) >= words:
            kept = " ".join(found[:words])
            yield re.sub(r"[,;:]?$", ".", kept) if not kept.endswith(".") else kept
            return
        words -= len(found)
        yield text


def haiku(topic: str, chance: Random) -> str:
    """Three lines of five, seven and five syllables, under the topic's name."""
    first = chance.choice(("Quiet morning light", "A line on the screen", "Rain on the window"))
    second = chance.choice(
        ("one small question finds its way", "the cursor waits and then moves", "words arrive one at a time")
    )
    third = chance.choice(("nothing more to say", "evening, and then rest", "the answer, simple"))
    return f"**{title_of(topic)}**\n\n{first},  \n{second} —  \n{third}."
