"""Events gathered into one JSON response, for requests that do not stream."""

from collections.abc import Iterable
from typing import Any

from common.clock import utc_now
from common.errors import ApiError
from gateway.events import Billed, Delta, Event, Failed, Finished, Started
from gateway.protocols.reasoning import add_pieces, plain_detail

from .functions import CALLED, function_call
from .sse import error_object, usage_object
from .text_logprobs import in_text_form

__all__ = ["Choice", "failed_reply", "gather"]


def gather(
    events: Iterable[Event],
    *,
    text_completion: bool = False,
    show_reasoning: bool = True,
    functions: bool = False,
) -> dict[str, Any]:
    """The JSON object of the response. With `functions`, a tool call has the older form, `function_call`.

    A response that was interrupted keeps its text, with `finish_reason` "error" and the error in its choice.
    """
    reply: dict[str, Any] = {"object": "text_completion" if text_completion else "chat.completion"}
    choices: dict[int, Choice] = {}
    for event in events:
        match event:
            case Started():
                reply |= {
                    "id": event.generation_id,
                    "created": event.created,
                    "model": event.model,
                    "provider": event.provider,
                    "system_fingerprint": event.system_fingerprint,
                    "service_tier": event.service_tier,
                }
                if event.routing:
                    reply["openrouter_metadata"] = event.routing
            case Delta():
                choices.setdefault(event.index, Choice()).add(event)
            case Finished():
                choices.setdefault(event.index, Choice()).finish = event
            case Failed():
                unfinished = [one for one in choices.values() if one.finish is None]
                for choice in unfinished or [choices.setdefault(0, Choice())]:
                    choice.failure = event
            case Billed():
                reply["usage"] = usage_object(event)
    render = Choice.as_text if text_completion else Choice.as_message
    rendered = [(index, render(choice, show_reasoning)) for index, choice in sorted((choices or _NOTHING).items())]
    reply["choices"] = [{"index": index, **(_with_function(one) if functions else one)} for index, one in rendered]
    return reply


def failed_reply(
    generation_id: str, model: str, error: ApiError, *, text_completion: bool = False, show_reasoning: bool = True
) -> dict[str, Any]:
    """The JSON object of a response that failed after its status 200 was sent.

    An interrupted response without text: the error is in its choice, as `gather` has it, and at the top as well, where
    clients look for the error of a response with another status.
    """
    envelope = error.envelope()
    render = Choice.as_text if text_completion else Choice.as_message
    choice = {"index": 0, **render(Choice(), show_reasoning), "finish_reason": "error", "error": envelope["error"]}
    return {
        "object": "text_completion" if text_completion else "chat.completion",
        "id": generation_id,
        "created": int(utc_now().timestamp()),
        "model": model,
        "system_fingerprint": None,
        "choices": [choice],
        **envelope,
    }


class Choice:
    """One choice, while its deltas arrive."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.lists: dict[str, list[Any]] = {}
        self.tool_calls: dict[int, dict[str, Any]] = {}
        self.logprobs: Any = None
        self.finish: Finished | None = None
        self.failure: Failed | None = None

    def add(self, delta: Delta) -> None:
        self.text.append(delta.text)
        self.reasoning.append(delta.reasoning)
        self.refusal.append(delta.refusal)
        if delta.reasoning_details or delta.reasoning:
            details = delta.reasoning_details or [plain_detail(delta.reasoning)]
            add_pieces(self.lists.setdefault("reasoning_details", []), details)
        for name in ("annotations", "images"):
            if value := getattr(delta, name):
                self.lists.setdefault(name, []).extend(value)
        for call in delta.tool_calls or ():
            self._add_tool_call(call)
        if delta.logprobs is not None:
            self.logprobs = _joined_logprobs(self.logprobs, delta.logprobs)

    def _add_tool_call(self, piece: dict[str, Any]) -> None:
        """Tool calls arrive in pieces that share an index. Their arguments, or inputs, are concatenated."""
        index = piece.get("index", len(self.tool_calls))
        if custom := piece.get("custom"):
            call = self.tool_calls.setdefault(
                index, {"id": piece.get("id"), "type": "custom", "custom": {"name": "", "input": ""}}
            )
            call["custom"] = {name: text + custom.get(name, "") for name, text in call["custom"].items()}
            return
        call = self.tool_calls.setdefault(
            index, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        )
        call["id"] = piece.get("id") or call["id"]
        function = piece.get("function") or {}
        call["function"]["name"] += function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""

    def as_message(self, show_reasoning: bool) -> dict[str, Any]:
        text = "".join(self.text)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": text if text or not self.tool_calls else None,
            "refusal": "".join(self.refusal) or None,
        }
        if show_reasoning:
            message["reasoning"] = "".join(self.reasoning) or None
        if self.tool_calls:
            message["tool_calls"] = [call for _, call in sorted(self.tool_calls.items())]
        message |= {name: value for name, value in self.lists.items() if show_reasoning or name != "reasoning_details"}
        return {"message": message, **self._ending()}

    def as_text(self, show_reasoning: bool) -> dict[str, Any]:
        ending = self._ending()
        return {"text": "".join(self.text), **ending, "logprobs": in_text_form(ending["logprobs"], 0)}

    def _ending(self) -> dict[str, Any]:
        ending: dict[str, Any] = {
            "finish_reason": self.finish.finish_reason if self.finish else None,
            "native_finish_reason": self.finish.native_finish_reason if self.finish else None,
            "logprobs": self.logprobs,
        }
        if self.failure:
            ending["finish_reason"] = "error"
            ending["error"] = error_object(self.failure)
        return ending


#: The choices of a response without any event.
_NOTHING = {0: Choice()}


def _with_function(choice: dict[str, Any]) -> dict[str, Any]:
    """The choice with its first tool call in the older form."""
    message = choice.get("message") or {}
    calls = message.pop("tool_calls", None)
    if not calls or not (call := function_call(calls)):
        return choice
    reason = CALLED if choice["finish_reason"] == "tool_calls" else choice["finish_reason"]
    return {**choice, "message": {**message, "function_call": call}, "finish_reason": reason}


def _joined_logprobs(known: Any, new: Any) -> Any:
    if isinstance(known, dict) and isinstance(new, dict):
        return {**new, "content": [*(known.get("content") or ()), *(new.get("content") or ())]}
    return new
