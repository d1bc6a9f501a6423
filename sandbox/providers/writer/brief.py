"""A request as the writer reads it: the last question, the ones before it, attachments and sources."""

import re
from functools import cached_property
from random import Random

from sandbox.providers.prompts.chat_request import ChatRequest, Message, parts_of, text_of
from sandbox.providers.writer.attachments import describe_attachment
from sandbox.providers.writer.topic import topic_of

__all__ = ["Brief"]

_READ = 8000  # characters of a message
#: Notes that coding agents add to a question. The question itself is what the answer is about.
_NOTES = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)


class Brief:
    """One request. `chance` chooses the words of its answer."""

    def __init__(self, request: ChatRequest, chance: Random) -> None:
        self.request = request
        self.chance = chance
        self.system = "\n".join(text_of(m) for m in request.messages if m.get("role") in ("system", "developer"))
        asked = [_NOTES.sub("", text_of(m)) for m in request.messages if m.get("role") == "user"]
        self.questions = [text.strip()[:_READ] for text in asked]
        self.question = self.questions[-1] if self.questions else ""

    @cached_property
    def topic(self) -> str:
        return topic_of(self.question) or "this conversation"

    @cached_property
    def attachments(self) -> list[str]:
        """The images, files and recordings of the last question, each in a few words."""
        last = next((m for m in reversed(self.request.messages) if m.get("role") == "user"), Message())
        return [described for part in parts_of(last) if (described := describe_attachment(part))]

    @cached_property
    def sources(self) -> list[str]:
        """Addresses of the sources that the system prompt lists, when it asks to cite them."""
        if not re.search(r"\bcite\b", self.system, re.IGNORECASE):
            return []
        return re.findall(r"^URL: (https?://\S+)$", self.system, re.MULTILINE)
