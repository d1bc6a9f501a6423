"""An answer as one JSON body, in a provider's dialect."""

from typing import Any

from sandbox.providers.answer import Answer, ToolCall, Usage
from sandbox.providers.openai.frames import PICTURE, Wording, logprobs_of
from sandbox.providers.openai.usage import usage_body

__all__ = ["reply"]


def reply(answer: Answer, usage: Usage | None, wording: Wording) -> dict[str, Any]:
    """The body of an answer that is not streamed."""
    body: dict[str, Any] = {"id": wording.id} if wording.id else {}
    body |= {
        "object": "text_completion" if wording.legacy else "chat.completion",
        "created": wording.created,
        "model": wording.model,
        **({"system_fingerprint": wording.dialect.fingerprint} if wording.dialect.fingerprint else {}),
        **wording.tier,
        "choices": [{"index": number, **_choice(one, wording)} for number, one in enumerate(answer.choices)],
    }
    if usage:
        body["usage"] = usage_body(usage, wording.dialect)
    return body


def _choice(answer: Answer, wording: Wording) -> dict[str, Any]:
    shown = wording.logprobs is not None and not wording.legacy
    return {
        **({"text": wording.echo + answer.text} if wording.legacy else {"message": _message(answer, wording)}),
        "logprobs": logprobs_of(answer.content, wording.logprobs or 0) if shown else None,
        "finish_reason": None if answer.finish is None else wording.dialect.finish.get(answer.finish, answer.finish),
    }


def _message(answer: Answer, wording: Wording) -> dict[str, Any]:
    dialect = wording.dialect
    nothing = None if dialect.null_content or answer.tool_calls else ""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or nothing}
    if answer.reasoning and not answer.hidden_reasoning:
        message[dialect.reasoning] = "".join(answer.reasoning)
    if answer.images:
        message["images"] = [PICTURE] * answer.images
    if answer.tool_calls:
        message["tool_calls"] = [_call(call, wording) for call in answer.tool_calls]
    return message


def _call(call: ToolCall, wording: Wording) -> dict[str, Any]:
    function = {"name": call.name, "arguments": "".join(call.arguments)}
    return {"id": wording.call_id(call), "type": "function", "function": function}
