"""Where the text of a reply stands, for each path of the API: in a whole reply and in an event of a stream."""

from typing import NamedTuple

from .call import Call

__all__ = ["Reply", "reply_of"]


class Reply(NamedTuple):
    """Expressions of Python and JavaScript.

    `whole` is that of a whole reply, `reply`; `piece` that of an event of a stream, `event`: always a string.
    """

    python_whole: str
    python_piece: str
    javascript_whole: str
    javascript_piece: str


_CHAT = Reply(
    'reply["choices"][0]["message"]["content"]',
    '"".join(choice["delta"].get("content") or "" for choice in event.get("choices", []))',
    "reply.choices[0].message.content",
    'event.choices?.[0]?.delta.content ?? ""',
)
_RERANK = '["results"][0]["document"]["text"]'
_REPLIES = {
    "chat/completions": _CHAT,
    "messages": Reply(
        '"".join(block.get("text", "") for block in reply["content"])',
        'event.get("delta", {}).get("text", "")',
        'reply.content.map((block) => block.text ?? "").join("")',
        'event.delta?.text ?? ""',
    ),
    "responses": Reply(
        '"".join(part.get("text", "") for item in reply["output"] for part in item.get("content") or [])',
        'event["delta"] if event.get("type") == "response.output_text.delta" else ""',
        'reply.output.flatMap((item) => item.content ?? []).map((part) => part.text ?? "").join("")',
        'event.type === "response.output_text.delta" ? event.delta : ""',
    ),
    "embeddings": Reply('len(reply["data"][0]["embedding"])', "", "reply.data[0].embedding.length", ""),
    "rerank": Reply(f"reply{_RERANK}", "", "reply.results[0].document.text", ""),
}
#: Where the calls of tools stand in a whole reply.
_CALLS = {
    "chat/completions": ('reply["choices"][0]["message"]', "reply.choices[0].message"),
    "messages": ('reply["content"]', "reply.content"),
    "responses": ('reply["output"]', "reply.output"),
}


def reply_of(call: Call) -> Reply:
    """The expressions for the reply to this request."""
    reply = _REPLIES[call.path]
    if call.calls_tools and call.path in _CALLS:
        python, javascript = _CALLS[call.path]
        return reply._replace(python_whole=python, javascript_whole=javascript)
    return reply
