"""Conversations with tools, pictures and thinking, apart from any protocol; and how hypothesis draws them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from hypothesis import strategies as st

from gateway.events import Delta
from tests.gateway.native import PNG

__all__ = ["CONVERSATIONS", "PICTURES", "Conversation", "Picture", "Reply", "Said", "Step", "Tool", "deltas"]

#: Pictures by their sources: one with its bytes, one at a URL.
PICTURES = {"bytes": f"data:image/png;base64,{PNG}", "link": "https://a.example/sea.png"}


@dataclass(frozen=True)
class Picture:
    name: str  # in PICTURES


Part = str | Picture


@dataclass(frozen=True)
class Said:
    """The words and pictures of the user, at least one part."""

    parts: list[Part]


@dataclass(frozen=True)
class Reply:
    """An answer of the model: thinking, then text, then calls of tools as (ID, name, arguments).

    `mind` is the kind of its thinking: that of Claude (signed, or redacted), of Gemini (signatures of its text and its
    first call) or plain text.
    """

    mind: str = ""
    thought: str = ""
    redacted: str = ""
    text: str = ""
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    @property
    def signature(self) -> str:
        """The signature of its thinking, of its text or of its first call."""
        return f"sig-{len(self.thought)}-{len(self.calls)}"


@dataclass(frozen=True)
class Step:
    """A reply, the results of its calls in order (text and pictures of each), and what the user says next."""

    reply: Reply
    results: list[tuple[str, list[Picture]]]
    then: Said | None


@dataclass(frozen=True)
class Tool:
    name: str
    description: str
    properties: dict[str, Any]

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "object", "properties": self.properties, "required": sorted(self.properties)}


@dataclass(frozen=True)
class Conversation:
    system: str
    first: Said
    steps: list[Step]
    tools: list[Tool]
    choice: str  # "auto", "none", "required", or the name of a tool


def deltas(reply: Reply) -> Iterator[Delta]:
    """The events in which a provider with this kind of thinking sends the reply."""
    gemini = {"format": "google-gemini-v1", "index": 0}
    claude = {"format": "anthropic-claude-v1", "index": 0, "id": None}
    if reply.mind == "claude":
        detail = {"type": "reasoning.text", "text": reply.thought, **claude}
        yield Delta(reasoning=reply.thought, reasoning_details=[detail])
        yield Delta(reasoning_details=[detail | {"text": "", "signature": reply.signature}])
        if reply.redacted:
            hidden = claude | {"type": "reasoning.encrypted", "data": reply.redacted, "index": 1}
            yield Delta(reasoning_details=[hidden])
    elif reply.mind == "gemini":
        detail = {"type": "reasoning.text", "text": reply.thought, "id": None, **gemini}
        yield Delta(reasoning=reply.thought, reasoning_details=[detail])
    elif reply.mind == "plain":
        yield Delta(reasoning=reply.thought)
    signed = {"type": "reasoning.encrypted", "data": reply.signature, **gemini}
    if reply.text:
        details = [signed | {"id": None}] if reply.mind == "gemini" else None
        yield Delta(text=reply.text, reasoning_details=details)
    for number, (call_id, name, arguments) in enumerate(reply.calls):
        call = {"index": number, "id": call_id, "type": "function"}
        details = [signed | {"id": call_id, "index": 1}] if reply.mind == "gemini" and number == 0 else None
        function = {"name": name, "arguments": _encode(arguments)}
        yield Delta(tool_calls=[call | {"function": function}], reasoning_details=details)


def _encode(value: Any) -> str:
    return msgspec.json.encode(value).decode()


# --- Drawing them -------------------------------------------------------------------------------------

#: Any text but blanks alone, which providers refuse, and white space at its ends, which some are sent without.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).map(str.strip).filter(bool)
NAMES = ["get_weather", "look", "send-mail"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
PICTURE = st.sampled_from(sorted(PICTURES)).map(Picture)
SAID = st.lists(TEXT | PICTURE, min_size=1, max_size=3).map(Said)
RESULT = st.tuples(TEXT | VALUES.map(_encode), st.lists(PICTURE, max_size=1))
TOOLS = st.lists(
    st.builds(
        Tool,
        st.sampled_from(NAMES),
        TEXT,
        st.dictionaries(st.sampled_from(["city", "at", "x"]), st.just({"type": "string"}), max_size=2),
    ),
    min_size=1, max_size=3, unique_by=lambda tool: tool.name,
)  # fmt: skip


@st.composite
def _conversations(draw: st.DrawFn) -> Conversation:
    tools = draw(TOOLS)
    names = [tool.name for tool in tools]
    steps = []
    for place in range(draw(st.integers(0, 3))):
        called = draw(st.lists(st.sampled_from(names), max_size=2))
        calls = [
            (f"call_{place}_{number}", name, draw(st.dictionaries(TEXT, VALUES, max_size=2)))
            for number, name in enumerate(called)
        ]
        mind = draw(st.sampled_from(["", "claude", "gemini", "plain"]))
        reply = Reply(
            mind=mind,
            thought=draw(TEXT) if mind else "",
            redacted=draw(st.sampled_from(["", "b3BhcXVl"])) if mind == "claude" else "",
            text=draw(TEXT) if not calls else draw(TEXT | st.just("")),
            calls=calls,
        )
        results = [draw(RESULT) for _ in calls]
        steps.append(Step(reply, results, draw(SAID | st.none()) if calls else draw(SAID)))
    choice = draw(st.sampled_from(["auto", "none", "required", *names]))
    return Conversation(draw(TEXT | st.just("")), draw(SAID), steps, tools, choice)


CONVERSATIONS = _conversations()
