"""Writes whole answers: calls, JSON, exact words or Markdown, with the thinking before it."""

import json
import re
from random import Random
from typing import Any

from sandbox.providers import tokens
from sandbox.providers.answer import Answer
from sandbox.providers.chat_request import ChatRequest, text_of
from sandbox.providers.writer.bodies import body_of
from sandbox.providers.writer.brief import Brief
from sandbox.providers.writer.hints import Hints
from sandbox.providers.writer.manner import in_the_manner_asked
from sandbox.providers.writer.prose import paragraph
from sandbox.providers.writer.schema import value_for
from sandbox.providers.writer.thinking import thoughts
from sandbox.providers.writer.tools import calls_for, results_text
from sandbox.providers.writer.verbatim import asked_words

__all__ = ["closing_line", "write"]

_CLOSINGS = {
    "en": "*Simulated by the sandbox in place of `{model}` – no model was asked.*",
    "fr": "*Simulé par le bac à sable (sandbox) à la place de `{model}` – aucun modèle n’a été interrogé.*",
    "de": "*Simuliert von der Sandbox anstelle von `{model}` – kein Modell wurde gefragt.*",
    "es": "*Simulado por el entorno de pruebas (sandbox) en lugar de `{model}` – no se consultó ningún modelo.*",
}


def write(request: ChatRequest, chance: Random) -> Answer:
    """The answer to `request`, as its model."""
    brief = Brief(request, chance)
    reasoning = _reasoning(brief)
    calls = calls_for(request, brief.question, chance)
    if calls:
        return Answer(reasoning=reasoning, tool_calls=calls, finish="tool_calls")
    return Answer(tokens.split(_text(brief)), reasoning)


def closing_line(model: str, language: str = "en") -> str:
    """The line that says who wrote this."""
    return _CLOSINGS[language].format(model=model)


def _text(brief: Brief) -> str:
    request = brief.request
    wanted = request.response_format.type if request.response_format else "text"
    if wanted in ("json_object", "json_schema"):
        return json.dumps(_value(brief), ensure_ascii=False)
    if (words := asked_words(brief.question)) is not None:
        return words
    if request.messages[-1].get("role") == "assistant":
        return _continued(text_of(request.messages[-1]), brief)
    text = in_the_manner_asked(body_of(brief), brief)
    closing = closing_line(brief.model, brief.language)
    return f"{text}\n\n{closing.strip('*').replace('`', '') if brief.wants_plain_text else closing}"


def _continued(begun: str, brief: Brief) -> str:
    """Goes on where the last message, an answer already begun, breaks off."""
    space = "" if not begun or begun[-1].isspace() else " "
    text = paragraph(brief.topic, brief.chance, 2)
    return f"{space}{text[:1].lower()}{text[1:]}\n\n{closing_line(brief.model)}"


def _value(brief: Brief) -> Any:
    """The JSON that was asked for: by a schema, else by naming keys in the prompt."""
    asked = brief.request.response_format
    text = "\n".join(filter(None, (brief.question, results_text(brief.request))))
    if asked and asked.json_schema and asked.json_schema.get("schema") is not None:
        return value_for(asked.json_schema["schema"], Hints(text))
    keys = _keys_named(f"{brief.question}\n{brief.system}")
    schema = {"type": "object", "properties": {key: {"type": kind} for key, kind in keys.items()}}
    return value_for(schema, Hints(text))


def _keys_named(text: str) -> dict[str, str]:
    """Key → type, for the keys that `text` names ("with keys name, age and city")."""
    named = re.search(
        r"\b(?:keys?|fields?|properties)\b[:\s]+((?:[\"'`]?\w+[\"'`]?(?:,\s*(?:and\s+)?|\s+and\s+)?)+)",
        text,
        re.IGNORECASE,
    )
    keys = re.findall(r"\w+", named[1]) if named else []
    keys = [key for key in keys if key.lower() not in ("and", "the", "a", "for", "of", "with", "from", "in", "about")]
    if not keys:
        return {"topic": "string", "summary": "string", "points": "array"}
    numbers = {"age", "count", "year", "price", "amount", "score", "number", "total", "quantity", "population"}
    return {key: "integer" if key.lower() in numbers else "array" if key.endswith("s") else "string" for key in keys}


def _reasoning(brief: Brief) -> list[str]:
    effort = brief.request.effort
    if not effort:
        return []
    made = thoughts(brief, effort)
    limit = brief.request.reasoning.max_tokens if brief.request.reasoning else None
    return made[:limit] if limit else made
