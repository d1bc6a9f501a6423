"""Sentences and points about any topic: true of everything."""

from random import Random

__all__ = ["points", "sentences"]

_CLAIMS = (
    "The simplest explanation of *{t}* is the best place to begin.",
    "One concrete example teaches more than a page of definitions.",
    "The details matter less than the question that is being asked.",
    "Small assumptions about {t} decide large outcomes.",
    "It helps to write down what would change your mind.",
    "The exceptions are where the interesting questions are.",
    "Two careful people can disagree about {t}, both with good reasons.",
    "A drawing or a short list makes the parts visible.",
    "It pays to separate what is known from what is merely repeated.",
    "A good test is whether you can explain {t} to a friend in a minute.",
)
_POINTS = (
    ("Purpose", "the problem it solves"),
    ("Parts", "the pieces it is made of, and how they fit together"),
    ("Process", "the steps, first to last"),
    ("Limits", "where it stops working, and what to use instead"),
    ("Evidence", "how to check a claim about it"),
    ("Cost", "time, money and attention"),
    ("Practice", "a first exercise that takes ten minutes"),
    ("Mistakes", "the one that beginners make, and the one that experts make"),
    ("Next step", "the smallest useful thing to do today"),
)


def sentences(topic: str, chance: Random, count: int) -> list[str]:
    """So many different sentences, ten at most."""
    return [claim.format(t=topic) for claim in chance.sample(_CLAIMS, count)]


def points(chance: Random, count: int) -> list[tuple[str, str]]:
    """(name, explanation) of so many points; names repeat with a number after the ninth."""
    shuffled = chance.sample(_POINTS, len(_POINTS))
    made = []
    for number in range(count):
        name, text = shuffled[number % len(shuffled)]
        again = number // len(shuffled)
        made.append((f"{name} ({again + 1})" if again else name, text))
    return made
