"""Answers about the conversation itself: greetings, who is who, what was said before."""

import re

from sandbox.providers.writer.brief import Brief
from sandbox.providers.writer.tools import results_text
from sandbox.providers.writer.topic import title_of

__all__ = ["greeting", "identity", "memory", "summary", "thanks", "title", "tool_results"]

_GREETING = re.compile(
    r"\W*(?:hi|hello|hey|good (?:morning|evening|day|afternoon)|salut|bonjour|hallo|hola)\b[\w\s]{0,12}\W*",
    re.IGNORECASE,
)
_THANKS = re.compile(r"\W*(?:many )?(?:thanks|thank you|thx|cheers)\b[\w\s,]{0,20}\W*", re.IGNORECASE)
_IDENTITY = re.compile(
    r"\b(?:who|what) are you\b|\bwhich (?:ai )?model\b|\bwhat model\b|\b(?:what is|what's|tell me) your name\b",
    re.IGNORECASE,
)
_SELF = re.compile(r"\b[Yy]our name is ([A-ZÀ-Þ][\w'-]*)|\b[Yy]ou are ([A-ZÀ-Þ][a-zà-ÿ]+)\b")
_MY_NAME = re.compile(r"\b(?i:my name is|i am|i'm|call me) ([A-ZÀ-Þ][\w'-]*)")
_SAID = re.compile(
    r"\bwhat (?:did|was|were|have) (?:i|my)\b.{0,30}?\b(?:first|last|previous|just|before|earlier|ask|asked|say|said)\b"
)
_SUMMARY = re.compile(
    r"\W*(?:please\s+)?(?:can you\s+)?(?:summari[sz]e|tl;?dr|sum up)\b[^\n:]*[:\n]\s*(.{80,})",
    re.IGNORECASE | re.DOTALL,
)


def tool_results(brief: Brief) -> str:
    """What the tools returned, when they have just answered."""
    if brief.request.messages[-1].get("role") != "tool":
        return ""
    return f"{results_text(brief.request)}\n\nThat answers your question about {brief.topic}."


def memory(brief: Brief) -> str:
    """What the person said earlier, when that is the question."""
    question = brief.question.lower()
    if re.search(r"\b(?:what is|what's|remember|know) my name\b", question):
        named = next((found for earlier in reversed(brief.earlier) if (found := _MY_NAME.search(earlier))), None)
        if named:
            return f"Your name is **{named[1]}**: you told me so earlier."
        return "You have not told me your name in this conversation."
    if not _SAID.search(question):
        return ""
    if not brief.earlier:
        return "This is the first thing you asked me in this conversation."
    which, said = ("first", brief.earlier[0]) if "first" in question else ("last", brief.earlier[-1])
    quoted = said[:500].replace("\n", "\n> ")
    return f"The {which} thing you wrote before this was:\n\n> {quoted}"


def identity(brief: Brief) -> str:
    """Who answers: by name when the system prompt gives one."""
    if not _IDENTITY.search(brief.question):
        return ""
    if named := _SELF.search(brief.system):
        return f"I am **{named[1] or named[2]}**."
    return f"I am the sandbox's stand-in for `{brief.model}`: a small program that writes texts, not a language model."


def greeting(brief: Brief) -> str:
    if not _GREETING.fullmatch(brief.question):
        return ""
    if brief.language == "fr":
        return "Bonjour ! Demandez-moi une liste, un tableau, un calcul ou un programme."
    if brief.language == "de":
        return "Hallo! Frag mich nach einer Liste, einer Tabelle, einer Rechnung oder einem Programm."
    if brief.language == "es":
        return "¡Hola! Pídeme una lista, una tabla, un cálculo o un programa."
    return "Hello! Ask me for a list, a table, a sum, a program or an essay of any length, and watch it arrive."


def thanks(brief: Brief) -> str:
    if not _THANKS.fullmatch(brief.question):
        return ""
    return f"You are welcome! If anything about {brief.topic} is still open, just ask."


def title(brief: Brief) -> str:
    """A title for the conversation."""
    if not re.search(r"\btitle\b", brief.question, re.IGNORECASE):
        return ""
    about = brief.earlier_topic or brief.topic
    return "A new conversation" if "conversation" in about else title_of(about)


def summary(brief: Brief) -> str:
    """The first sentence and the two longest of a text that came with the question."""
    asked = _SUMMARY.match(brief.question)
    if not asked:
        return ""
    sentences = re.split(r"(?<=[.!?])\s+", " ".join(asked[1].split()))
    longest = sorted(sentences[1:], key=len)[-2:]
    kept = [sentence for number, sentence in enumerate(sentences) if number == 0 or sentence in longest]
    return "**In short**\n\n" + "\n".join(f"- {sentence}" for sentence in kept)
