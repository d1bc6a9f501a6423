"""Tool calls, and answers with the results of tools."""

import json
import re
from contextlib import suppress
from random import Random
from typing import Any

from sandbox.providers.answer import ToolCall
from sandbox.providers.prompts import tokens
from sandbox.providers.prompts.chat_request import ChatRequest, text_of
from sandbox.providers.writer.hints import Hints
from sandbox.providers.writer.values import is_place, value_for

__all__ = ["calls_for", "results_text"]

_MOST_CALLS = 4
_DICTATED = re.compile(r"\bcall\s+`?(?P<name>[\w.-]+)`?\s+with\s+(?=\{)", re.IGNORECASE)


def calls_for(request: ChatRequest, question: str, chance: Random) -> list[ToolCall]:
    """The calls that the request asks for. Often none.

    The question may dictate them, each with its arguments: the next one is made after the result of the one before.
    Otherwise there is one by `tool_choice`, or because the question names a tool.
    """
    functions = [tool["function"] for tool in request.tools or () if tool.get("type") == "function"]
    choice = request.tool_choice
    dictated = _dictated(question, {function["name"] for function in functions})
    if dictated and choice != "none":
        return [_call(*one, chance) for one in dictated[_results_so_far(request) :][:1]]
    if isinstance(choice, dict):
        functions = [function for function in functions if function["name"] == choice["function"]["name"]]
    elif choice != "required":
        answered = choice == "none" or request.messages[-1].get("role") == "tool"
        functions = [] if answered else [function for function in functions if _fits(function, question)]
    return _calls(functions[0], request, Hints(question), chance) if functions else []


def _dictated(question: str, names: set[str]) -> list[tuple[str, dict[str, Any]]]:
    """The calls in `call <name> with <JSON object>` sentences, in order: (name, arguments)."""
    found = []
    for sentence in _DICTATED.finditer(question):
        with suppress(ValueError):
            arguments, _ = json.JSONDecoder().raw_decode(question, sentence.end())
            found += [(sentence["name"], arguments)] if sentence["name"] in names else []
    return found


def _results_so_far(request: ChatRequest) -> int:
    """The results of tools since the last question."""
    last = max((index for index, message in enumerate(request.messages) if message.get("role") == "user"), default=-1)
    return sum(message.get("role") == "tool" for message in request.messages[last + 1 :])


def _call(name: str, arguments: dict[str, Any], chance: Random) -> ToolCall:
    body = json.dumps(arguments, ensure_ascii=False)
    return ToolCall(f"call_{chance.randbytes(12).hex()}", name, tokens.split(body))


def _fits(function: dict[str, Any], question: str) -> bool:
    """Whether the question has a word of the function's name, such as "weather" of get_weather."""
    parts = re.sub(r"([a-z])([A-Z])", r"\1_\2", function["name"]).lower().split("_")
    words = set(re.findall(r"\w+", question.lower()))
    return function["name"].lower() in words or any(len(part) > 3 and part in words for part in parts)


def _calls(function: dict[str, Any], request: ChatRequest, hints: Hints, chance: Random) -> list[ToolCall]:
    """One call, or one for each place when the tool takes one place at a time."""
    parameters = function.get("parameters") or {"type": "object"}
    takes_a_place = any(is_place(name) for name in parameters.get("properties") or ())
    several = takes_a_place and request.parallel_tool_calls is not False
    made = []
    for place in hints.places[:_MOST_CALLS] if several and hints.places else [""]:
        arguments = value_for(parameters, hints.only_at(place) if place else hints)
        made.append(_call(function["name"], arguments if isinstance(arguments, dict) else {}, chance))
    return made


def results_text(request: ChatRequest) -> str:
    """The results of tools since the last question, as Markdown; empty when there are none."""
    names: dict[str, str] = {}
    results: list[str] = []
    for message in request.messages:
        if message.get("role") == "user":
            results.clear()
        for call in message.get("tool_calls") or ():
            names[str(call.get("id"))] = str((call.get("function") or {}).get("name"))
        if message.get("role") == "tool":
            name = names.get(str(message.get("tool_call_id")), "tool")
            quoted = text_of(message).strip()[:2000].replace("\n", "\n> ")
            results.append(f"`{name}` returned:\n\n> {quoted}")
    return "\n\n".join(results)
