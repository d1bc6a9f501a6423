"""Writes whole answers: tool calls, JSON, exact words or Markdown, with the reasoning before it."""

import json
from random import Random
from typing import Any

from sandbox.providers.answer import Answer
from sandbox.providers.prompts import tokens
from sandbox.providers.prompts.chat_request import ChatRequest, text_of
from sandbox.providers.writer.bodies import body_of
from sandbox.providers.writer.brief import Brief
from sandbox.providers.writer.described import described_schema
from sandbox.providers.writer.hints import Hints
from sandbox.providers.writer.prose import sentences
from sandbox.providers.writer.thinking import thoughts
from sandbox.providers.writer.tools import calls_for
from sandbox.providers.writer.values import value_for
from sandbox.providers.writer.verbatim import exact_words

__all__ = ["closing_line", "write"]


def write(request: ChatRequest, chance: Random) -> Answer:
    """The answer to `request`. Raises ValueError for a schema that no value of a reasonable size is valid against."""
    brief = Brief(request, chance)
    reasoning = thoughts(brief, request.effort) if request.effort else []
    if request.reasoning and request.reasoning.max_tokens:
        reasoning = reasoning[: request.reasoning.max_tokens]
    calls = calls_for(request, brief.question, chance)
    if calls:
        return Answer(reasoning=reasoning, tool_calls=calls, finish="tool_calls")
    return Answer(tokens.split(_text(brief)), reasoning)


def closing_line(model: str) -> str:
    """The line that says where the answer comes from."""
    return f"*Simulated by the sandbox in place of `{model}`: no model was called.*"


def _text(brief: Brief) -> str:
    request = brief.request
    schema, words = _schema(request), exact_words(brief.question)
    if schema is not None and (words is None or request.response_format):
        return json.dumps(value_for(schema, Hints(brief.question)), ensure_ascii=False)
    if words is not None:
        return words
    last = request.messages[-1]
    body = _continued(text_of(last), brief) if last.get("role") == "assistant" else body_of(brief)
    return f"{body}\n\n{closing_line(request.model)}"


def _continued(begun: str, brief: Brief) -> str:
    """More of an answer that the last message has begun."""
    space = "" if not begun or begun[-1].isspace() else " "
    return space + " ".join(sentences(brief.topic, brief.chance, 2))


_ANY_OBJECT = {"type": "object", "properties": {"topic": {"type": "string"}, "summary": {"type": "string"}}}


def _schema(request: ChatRequest) -> Any:
    """The schema of the answer: the one requested, else the one that the prompt describes, else none or any object."""
    wanted = request.response_format
    if wanted and wanted.json_schema and wanted.json_schema.get("schema") is not None:
        return wanted.json_schema["schema"]
    described = described_schema(request)
    is_json = wanted is not None and wanted.type in ("json_object", "json_schema")
    return _ANY_OBJECT if described is None and is_json else described
