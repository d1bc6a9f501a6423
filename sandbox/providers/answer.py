"""A model's answer: tokens of reasoning and of text, tool calls, and the finish reason."""

from collections.abc import Iterator

import msgspec

from sandbox.providers.picture import IMAGE_TOKENS
from sandbox.providers.prompts import tokens

__all__ = ["Answer", "ToolCall", "Usage"]


class ToolCall(msgspec.Struct):
    id: str
    name: str
    arguments: list[str]  # tokens of a JSON object


class Usage(msgspec.Struct):
    """Cached and cache-write tokens are part of the prompt, reasoning of the completion."""

    prompt: int
    completion: int
    cached: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0  # part of cache_write
    audio: int = 0  # part of the prompt
    reasoning: int = 0
    image: int = 0  # part of the completion
    accepted_prediction: int = 0  # part of the completion
    rejected_prediction: int = 0  # part of the completion
    reasoning_apart: bool = False  # some providers do not count it in the completion, only in the total


class Answer(msgspec.Struct):
    """`finish` is "stop", "length", "tool_calls", "content_filter", or None when the model never finished."""

    content: list[str] = []
    reasoning: list[str] = []
    tool_calls: list[ToolCall] = []
    finish: str | None = "stop"
    hidden_reasoning: bool = False  # counted, but not shown
    stopped_by: str | None = None  # the stop sequence that ended it
    images: int = 0
    others: list["Answer"] = []  # further choices, when several were asked for

    @property
    def text(self) -> str:
        return "".join(self.content)

    @property
    def completion_tokens(self) -> int:
        """A call is one token for its name, then those of its arguments. Further choices count as well."""
        called = sum(1 + len(call.arguments) for call in self.tool_calls)
        others = sum(other.completion_tokens for other in self.others)
        return len(self.reasoning) + len(self.content) + called + IMAGE_TOKENS * self.images + others

    @property
    def choices(self) -> list["Answer"]:
        """This answer and the others."""
        return [self, *self.others]

    def stopped_at(self, stops: list[str]) -> "Answer":
        """The answer up to the first of `stops`, which is not part of it."""
        text = self.text
        found = [(at, stop) for stop in stops if stop and (at := text.find(stop)) >= 0]
        if not found:
            return self
        at, stop = min(found)
        kept = tokens.before(self.content, at)
        return msgspec.structs.replace(self, content=kept, tool_calls=[], finish="stop", stopped_by=stop)

    def limited_to(self, limit: int | None) -> "Answer":
        """The first `limit` tokens: reasoning, then text, then calls."""
        if limit is None or self.completion_tokens <= limit:
            return self
        reasoning = self.reasoning[:limit]
        content = self.content[: limit - len(reasoning)]
        calls = list(_calls_within(self.tool_calls, limit - len(reasoning) - len(content)))
        return Answer(content, reasoning, calls, "length", self.hidden_reasoning)


def _calls_within(calls: list[ToolCall], limit: int) -> Iterator[ToolCall]:
    for call in calls:
        if limit <= 0:
            return
        yield ToolCall(call.id, call.name, call.arguments[: limit - 1])
        limit -= 1 + len(call.arguments)
