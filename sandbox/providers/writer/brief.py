"""What the writer is asked for: the last question, what came before it, and how it should sound."""

import re
from functools import cached_property
from random import Random

from sandbox.providers.chat_request import ChatRequest, Message, parts_of, text_of
from sandbox.providers.writer.attachments import describe_attachment
from sandbox.providers.writer.topic import is_follow_up, topic_of

__all__ = ["Brief"]

_READ = 8000  # characters of a message; nobody's question is at the end of a longer one
_LANGUAGES = {
    "french": "fr",
    "français": "fr",
    "german": "de",
    "deutsch": "de",
    "spanish": "es",
    "español": "es",
}
# A few very common words are enough to tell these four apart.
_COMMON = {
    "fr": {"le", "la", "les", "des", "est", "une", "que", "qui", "dans", "pour", "vous", "quoi", "pourquoi", "moi"},
    "de": {"der", "die", "das", "und", "ist", "ein", "eine", "nicht", "wie", "warum", "mir", "über", "bitte", "was"},
    "es": {"el", "los", "las", "una", "es", "que", "por", "para", "cómo", "qué", "cuál", "dime", "sobre", "del"},
    "en": {"the", "is", "a", "of", "to", "and", "what", "how", "in", "me", "about", "write", "for", "an"},
}
_BRIEF = re.compile(
    r"\b(?:brief(?:ly)?|concise(?:ly)?|terse(?:ly)?|succinct(?:ly)?|shorter|short answer|in short|few words|tl;?dr"
    r"|(?:one|a single) (?:sentence|line))\b",
    re.IGNORECASE,
)


class Brief:
    """One request, read the way a writer reads it."""

    def __init__(self, request: ChatRequest, chance: Random) -> None:
        self.request = request
        self.model = request.model
        self.chance = chance
        self.system = "\n".join(text_of(m) for m in request.messages if m.get("role") in ("system", "developer"))
        self.questions = [text_of(m).strip()[:_READ] for m in request.messages if m.get("role") == "user"]
        self.question = self.questions[-1] if self.questions else ""
        self.earlier = self.questions[:-1]

    @cached_property
    def topic(self) -> str:
        """What the answer is about; a follow-up ("shorter, please") is about what was asked before."""
        for question in reversed(self.questions):
            topic = topic_of(question)
            if topic and not is_follow_up(question):
                return topic
        return topic_of(self.question) or "this conversation"

    @property
    def earlier_topic(self) -> str:
        """What was asked about before, if that was something else."""
        for question in reversed(self.earlier):
            topic = topic_of(question)
            if topic and not is_follow_up(question):
                return topic if topic != self.topic else ""
        return ""

    @cached_property
    def attachments(self) -> list[str]:
        """The images, files and recordings of the last question, each in a few words."""
        asked = next((m for m in reversed(self.request.messages) if m.get("role") == "user"), Message())
        return [described for part in parts_of(asked) if (described := describe_attachment(part))]

    @cached_property
    def sources(self) -> list[str]:
        """Addresses of the sources that the system prompt lists, when it asks to cite them."""
        if not re.search(r"\bcite\b", self.system, re.IGNORECASE):
            return []
        return re.findall(r"^URL: (https?://\S+)$", self.system, re.MULTILINE)

    @cached_property
    def language(self) -> str:
        """ "en", "fr", "de" or "es": as asked for, else as written."""
        wish = re.search(
            r"\b(?:answer|reply|respond|speak|write|réponds|antworte|responde)\w*\b.{0,30}?\b(?:in|en|auf)\s+(\w+)",
            f"{self.question}\n{self.system}",
            re.IGNORECASE,
        )
        if wish and wish[1].lower() in _LANGUAGES:
            return _LANGUAGES[wish[1].lower()]
        words = set(re.findall(r"\w+", self.question.lower()))
        return max(("en", "fr", "de", "es"), key=lambda language: len(words & _COMMON[language]))

    @cached_property
    def is_brief(self) -> bool:
        """Whether a short answer is wanted."""
        return bool(_BRIEF.search(f"{self.system}\n{self.question}"))

    @cached_property
    def wants_plain_text(self) -> bool:
        return bool(re.search(r"\b(no|without|don'?t use|avoid) markdown\b|\bplain text\b", self.system, re.IGNORECASE))
