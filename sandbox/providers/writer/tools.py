"""Calling tools, and answering with what they returned."""

import json
import re
from random import Random
from typing import Any

from sandbox.providers import tokens
from sandbox.providers.answer import ToolCall
from sandbox.providers.chat_request import ChatRequest, text_of
from sandbox.providers.writer.hints import Hints
from sandbox.providers.writer.schema import value_for

__all__ = ["calls_for", "results_text"]

_DULL = {
    "get", "set", "the", "a", "an", "for", "of", "to", "and", "or", "in", "on", "with", "from", "this", "that", "by",
    "current", "function", "tool", "call", "use", "given", "returns", "return", "returned", "user", "is", "are", "what",
    "new", "my", "me", "it", "please", "can", "you", "how", "when", "where",
}  # fmt: skip
_MOST_CALLS = 4


def calls_for(request: ChatRequest, question: str, chance: Random) -> list[ToolCall]:
    """The calls that the request asks for: by `tool_choice`, or because the question needs a tool. Often none."""
    functions = [tool["function"] for tool in request.tools or () if isinstance(tool.get("function"), dict)]
    choice = request.tool_choice
    if not functions or choice == "none":
        return []
    if isinstance(choice, dict):
        wanted = (choice.get("function") or {}).get("name")
        functions = [function for function in functions if function.get("name") == wanted]
        return _calls(functions[0], request, question, chance) if functions else []
    answered = request.messages[-1].get("role") == "tool"
    scored = sorted(functions, key=lambda function: -_fit(function, question))
    if choice == "required" or (not answered and _fit(scored[0], question) >= 2):
        return _calls(scored[0], request, question, chance)
    return []


def _fit(function: dict[str, Any], question: str) -> int:
    """How well a function fits the question: two for each word of its name, one for each of its description."""
    name = str(function.get("name") or "")
    if name and re.search(rf"\b{re.escape(name)}\b", question, re.IGNORECASE):
        return 100
    asked = _stems(question)
    return 2 * len(_stems(name) & asked) + len(_stems(str(function.get("description") or "")) & asked)


def _stems(text: str) -> set[str]:
    words = re.findall(r"[a-zà-ÿ]+|\d+", re.sub(r"([a-z])([A-Z])", r"\1 \2", text.replace("_", " ")).lower())
    return {word[:6] for word in words if word not in _DULL and len(word) > 1}


def _calls(function: dict[str, Any], request: ChatRequest, question: str, chance: Random) -> list[ToolCall]:
    parameters = function.get("parameters") or {"type": "object", "properties": {}}
    hints = Hints(question)
    subjects = _subjects(parameters, hints) if request.parallel_tool_calls is not False else []
    made = []
    for text in subjects or [question]:
        arguments = value_for(parameters, Hints(text))
        body = json.dumps(arguments if isinstance(arguments, dict) else {}, ensure_ascii=False)
        made.append(ToolCall(f"call_{chance.randbytes(12).hex()}", str(function.get("name")), tokens.split(body)))
    return made


def _subjects(parameters: dict[str, Any], hints: Hints) -> list[str]:
    """One question for each of several places, when the tool takes one place at a time."""
    properties = parameters.get("properties") or {}
    takes_place = any(
        re.search(r"city|location|place|town", name, re.IGNORECASE) and (part or {}).get("type") == "string"
        for name, part in properties.items()
    )
    places = list(dict.fromkeys(hints.places))
    if not takes_place or len(places) < 2:
        return []
    return [_only(place, places, hints.text) for place in places[:_MOST_CALLS]]


def _only(place: str, places: list[str], text: str) -> str:
    run = re.escape(places[0]) + r".*" + re.escape(places[-1])
    return re.sub(run, place, text, count=1, flags=re.DOTALL)


def results_text(request: ChatRequest) -> str:
    """What the tools returned since the last question, as Markdown; empty when none did."""
    names: dict[str, str] = {}
    results: list[str] = []
    for message in request.messages:
        if message.get("role") == "user":
            results.clear()
        for call in message.get("tool_calls") or ():
            names[str(call.get("id"))] = str((call.get("function") or {}).get("name") or "tool")
        if message.get("role") == "tool":
            name = names.get(str(message.get("tool_call_id")), str(message.get("name") or "tool"))
            results.append(f"`{name}` returned:\n\n{_readable(text_of(message))}")
    return "\n\n".join(results)


def _readable(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return f"> {text.strip()[:2000]}".replace("\n", "\n> ")
    if isinstance(value, dict) and value:
        return "\n".join(f"- **{key}**: {_short(item)}" for key, item in list(value.items())[:20])
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        columns = list(dict.fromkeys(key for row in value[:20] for key in row))[:6]
        lines = ["| " + " | ".join(columns) + " |", "| " + " | ".join("---" for _ in columns) + " |"]
        lines += ["| " + " | ".join(_short(row.get(column, "")) for column in columns) + " |" for row in value[:20]]
        return "\n".join(lines)
    if isinstance(value, list) and value:
        return "\n".join(f"- {_short(item)}" for item in value[:20])
    return f"**{_short(value)}**"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.replace("|", "\\|").replace("\n", " ")[:300]
