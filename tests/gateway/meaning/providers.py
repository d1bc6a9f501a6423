"""How providers read a conversation: one entry for each kind of provider.

Each has the function that writes its body, a reader of that body, and what of a reply's thinking it gets.

A meaning has the turns, (side, items), the system's words, the tools and the choice of one. An item is a tuple: its
kind, then its content. Pictures that tools returned follow all results of their turn.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.protocols.chat_completions.request import ChatRequest
from gateway.providers.anthropic.request import request_body as anthropic_body
from gateway.providers.fetching import FetchedFile
from gateway.providers.google.messages import NO_SIGNATURE
from gateway.providers.google.request import request_body as google_body
from gateway.providers.openai_chat.request import request_body as openai_body
from gateway.providers.request_context import ProviderRequest
from tests.gateway.native import CALLER, attempt

from .conversation import PICTURES, Conversation, Reply

__all__ = ["PROVIDERS", "Meaning", "Provider", "meaning_of"]

Body = dict[str, Any]
Item = tuple[Any, ...]
Meaning = dict[str, Any]

#: A picture at a URL, as it is fetched for providers that take bytes alone.
FETCHED = {PICTURES["link"]: FetchedFile("image/jpeg", "ZmV0Y2hlZA==")}
_NAMES = {source: name for name, source in PICTURES.items()} | {"data:image/jpeg;base64,ZmV0Y2hlZA==": "link"}


@dataclass(frozen=True)
class Provider:
    body: Callable[[ChatRequest], Body]
    read: Callable[[Body], Meaning]
    #: The items of a reply's thinking.
    thinking: Callable[[Reply], list[Item]]
    #: Its texts and its first calls have the signatures that came with them.
    signs_parts: bool = False


def meaning_of(conversation: Conversation, provider: Provider) -> Meaning:
    """The meaning that the conversation has for the provider."""
    turns = [("user", [_said(part) for part in conversation.first.parts])]
    for step in conversation.steps:
        reply = step.reply
        signature = reply.signature if provider.signs_parts and reply.mind == "gemini" else None
        items = provider.thinking(reply)
        items += [("text", reply.text, signature)] if reply.text else []
        items += [("call", *call, signature if number == 0 else None) for number, call in enumerate(reply.calls)]
        turns.append(("assistant", items))
        results = [
            ("result", call_id, _value(text))
            for (call_id, _, _), (text, _) in zip(reply.calls, step.results, strict=True)
        ]
        pictures = [("picture", picture.name) for _, found in step.results for picture in found]
        said = [_said(part) for part in step.then.parts] if step.then else []
        turns.append(("user", results + pictures + said))
    tools = [(tool.name, tool.description, tool.properties) for tool in conversation.tools]
    return {"system": conversation.system, "turns": turns, "tools": tools, "choice": conversation.choice}


def _said(part: Any) -> Item:
    return ("text", part, None) if isinstance(part, str) else ("picture", part.name)


def _value(text: str) -> Any:
    """The result of a tool: an object, or an object with it."""
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        value = text
    return value if isinstance(value, dict) else {"result": value}


def _merged(turns: Iterator[tuple[str, list[Item]]]) -> list[tuple[str, list[Item]]]:
    """The turns, those of one side that follow each other as one: results, then all else in its order."""
    merged: list[tuple[str, list[Item]]] = []
    for side, items in turns:
        if merged and merged[-1][0] == side:
            merged[-1][1].extend(items)
        else:
            merged.append((side, list(items)))
    for _, items in merged:
        items.sort(key=lambda item: item[0] != "result")
    return merged


def _context(request: ChatRequest, name: str, **fields: Any) -> ProviderRequest:
    return ProviderRequest(request, attempt(name, **fields), CALLER, None)


# --- OpenAI's protocol --------------------------------------------------------------------------------


def _openai(slug: str) -> Callable[[ChatRequest], Body]:
    return lambda request: openai_body(_context(request, "one", provider=slug))


def _read_openai(body: Body) -> Meaning:
    system = "".join(_text(message) for message in body["messages"] if message["role"] in {"system", "developer"})
    tools = [
        (tool["function"]["name"], tool["function"]["description"], tool["function"]["parameters"]["properties"])
        for tool in body["tools"]
    ]
    choice = body["tool_choice"]
    choice = choice["function"]["name"] if isinstance(choice, dict) else choice
    said = (message for message in body["messages"] if message["role"] not in {"system", "developer"})
    return {"system": system, "turns": _merged(map(_openai_turn, said)), "tools": tools, "choice": choice}


def _openai_turn(message: Body) -> tuple[str, list[Item]]:
    if message["role"] == "tool":
        assert isinstance(message["content"], str) or {part["type"] for part in message["content"]} == {"text"}
        return "user", [("result", message["tool_call_id"], _value(_text(message)))]
    content = message["content"]
    parts: list[Body] = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    items: list[Item] = []
    if thought := message.get("reasoning_content"):
        items.append(("thinking", thought))
    items += [
        ("text", part["text"], None) if part["type"] == "text" else ("picture", _NAMES[part["image_url"]["url"]])
        for part in parts
        if part.get("text") != ""
    ]
    for call in message.get("tool_calls") or ():
        function = call["function"]
        items.append(("call", call["id"], function["name"], msgspec.json.decode(function["arguments"]), None))
    return ("assistant" if message["role"] == "assistant" else "user"), items


def _text(message: Body) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


# --- Anthropic's --------------------------------------------------------------------------------------


def _read_anthropic(body: Body) -> Meaning:
    tools = [(tool["name"], tool["description"], tool["input_schema"]["properties"]) for tool in body["tools"]]
    choice = body.get("tool_choice", {"type": "auto"})
    return {
        "system": "".join(block["text"] for block in body.get("system", ())),
        "turns": _merged((turn["role"], list(_anthropic_items(turn["content"]))) for turn in body["messages"]),
        "tools": tools,
        "choice": {"any": "required", "tool": choice.get("name")}.get(choice["type"], choice["type"]),
    }


def _anthropic_items(blocks: list[Body]) -> Iterator[Item]:
    pictures: list[Item] = []  # of results, which follow them all
    for block in sorted(blocks, key=lambda block: block["type"] != "tool_result"):
        if block["type"] == "tool_result":
            yield "result", block["tool_use_id"], _value(_text({"content": block["content"][:1]}))
            pictures += _anthropic_items(block["content"][1:])
            continue
        yield from pictures
        pictures = []
        match block["type"]:
            case "text":
                yield "text", block["text"], None
            case "image":
                source = block["source"]
                url = source.get("url") or f"data:{source['media_type']};base64,{source['data']}"
                yield "picture", _NAMES[url]
            case "tool_use":
                yield "call", block["id"], block["name"], block["input"], None
            case "thinking":
                yield "thinking", block["thinking"], block["signature"]
            case "redacted_thinking":
                yield "redacted", block["data"]
    yield from pictures


def _claude_thinking(reply: Reply) -> list[Item]:
    if reply.mind != "claude":
        return []
    return [("thinking", reply.thought, reply.signature), *([("redacted", reply.redacted)] if reply.redacted else [])]


# --- Google's -----------------------------------------------------------------------------------------


def _read_google(body: Body) -> Meaning:
    [declared] = body["tools"]
    tools = [
        (tool["name"], tool["description"], tool.get("parametersJsonSchema", {}).get("properties", {}))
        for tool in declared["functionDeclarations"]
    ]
    config = body["toolConfig"]["functionCallingConfig"]
    named = config.get("allowedFunctionNames") or [{"ANY": "required"}.get(config["mode"], config["mode"].lower())]
    return {
        "system": "".join(part["text"] for part in body.get("systemInstruction", {}).get("parts", ())),
        "turns": _merged(
            ({"model": "assistant"}.get(turn["role"], "user"), [_google_item(part) for part in turn["parts"]])
            for turn in body["contents"]
        ),
        "tools": tools,
        "choice": named[0],
    }


def _google_item(part: Body) -> Item:
    signature = part.get("thoughtSignature")
    signature = None if signature == NO_SIGNATURE else signature
    if "text" in part:
        return "text", part["text"], signature
    if call := part.get("functionCall"):
        return "call", call["id"], call["name"], call["args"], signature
    if result := part.get("functionResponse"):
        return "result", result["id"], result["response"]
    blob = part["inlineData"]
    return "picture", _NAMES[f"data:{blob['mimeType']};base64,{blob['data']}"]


PROVIDERS = {
    "openai": Provider(_openai("openai"), _read_openai, lambda reply: []),
    "moonshotai": Provider(
        _openai("moonshotai"), _read_openai, lambda reply: [("thinking", reply.thought)] if reply.thought else []
    ),
    "anthropic": Provider(
        lambda request: anthropic_body(_context(request, "claude-haiku-4-5"), {}), _read_anthropic, _claude_thinking
    ),
    "google": Provider(
        lambda request: google_body(_context(request, "gemini-3-pro"), FETCHED), _read_google, lambda reply: [], True
    ),
}
