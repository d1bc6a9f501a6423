"""The few things that the writer really knows, because people try them first."""

import re

from sandbox.providers.writer.brief import Brief

__all__ = ["fact"]

_CAPITALS = {
    "argentina": "Buenos Aires", "australia": "Canberra", "austria": "Vienna", "belgium": "Brussels",
    "brazil": "Brasília", "canada": "Ottawa", "chile": "Santiago", "china": "Beijing", "denmark": "Copenhagen",
    "egypt": "Cairo", "finland": "Helsinki", "france": "Paris", "germany": "Berlin", "greece": "Athens",
    "india": "New Delhi", "ireland": "Dublin", "italy": "Rome", "japan": "Tokyo", "kenya": "Nairobi",
    "mexico": "Mexico City", "new zealand": "Wellington", "nigeria": "Abuja", "norway": "Oslo", "poland": "Warsaw",
    "portugal": "Lisbon", "spain": "Madrid", "sweden": "Stockholm", "switzerland": "Bern", "turkey": "Ankara",
    "ukraine": "Kyiv", "united kingdom": "London", "united states": "Washington, D.C.",
}  # fmt: skip
_KNOWN = (
    (
        r"\bsky\b.{0,20}\bblue\b",
        "Because air scatters blue light far more than red light. Sunlight holds all colours; on its way through the"
        " air the short, blue waves are sent off in every direction, so blue reaches your eyes from the whole sky.",
    ),
    (r"\bmeaning of life\b", "**42**, says a well-known book. Most people find that the question is the better part."),
    (r"\bspeed of light\b", "Exactly **299,792,458 metres per second** in a vacuum: the metre is defined by it."),
    (r"\bboil\w*\b.{0,20}\bwater\b|\bwater\b.{0,10}\bboil", "Water boils at **100 °C** (212 °F) at sea level."),
)
_JOKES = (
    "Why do programmers confuse Halloween and Christmas? Because OCT 31 = DEC 25.",
    "There are two hard things in computing: naming things, cache invalidation and off-by-one errors.",
    "A query walks into a bar, goes up to two tables and asks: may I join you?",
    "I would tell you a joke about UDP, but you might not get it.",
)


def fact(brief: Brief) -> str:
    """The answer to a question about a capital or another well-known thing; a joke when one is wanted."""
    question = brief.question.lower()
    if capital := re.search(r"\bcapital(?: city)? of (?:the )?([a-z ]+)", question):
        country = capital[1].strip()
        if country in _CAPITALS:
            return f"The capital of {country.title()} is **{_CAPITALS[country]}**."
    if re.search(r"\bjoke\b", question):
        return brief.chance.choice(_JOKES)
    return next((answer for words, answer in _KNOWN if re.search(words, question)), "")
