"""Bodies of Messages requests for hypothesis: sensible ones, of which up to two parts are something else."""

from typing import Any

from hypothesis import strategies as st

from tests.gateway.native import PDF, PNG

__all__ = ["BODY"]

Fields = st.SearchStrategy[Any]

TEXT = st.text(max_size=30)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.dictionaries(st.text(max_size=8), ANYTHING, max_size=3)
NAMES = ["get_weather", "look"]
NAME = st.sampled_from(NAMES)
ID = st.sampled_from(["toolu_1", "call:2", ""])


def record(required: dict[str, Fields], **optional: Fields) -> Fields:
    return st.fixed_dictionaries(required, optional=optional)


def typed(kind: str, required: dict[str, Fields] | None = None, **optional: Fields) -> Fields:
    """An object of this `type`."""
    return record({"type": st.just(kind), **(required or {})}, **optional)


def block(kind: str, required: dict[str, Fields] | None = None, **optional: Fields) -> Fields:
    """A block that may be marked for the cache."""
    return typed(kind, required, cache_control=typed("ephemeral", ttl=st.sampled_from(["5m", "1h"])), **optional)


def base64(media_type: str, data: str) -> Fields:
    return st.just({"type": "base64", "media_type": media_type, "data": data})


LINK = typed("url", {"url": st.sampled_from(["https://a.example/b", "ftp://a.example", ""])})
PICTURE = block("image", {"source": base64("image/png", PNG) | base64("image/svg+xml", "PHN2Zz4=") | LINK})
WORDS = block("text", {"text": TEXT}, citations=st.none())
DOCUMENT = block(
    "document",
    {
        "source": st.one_of(
            base64("application/pdf", PDF),
            LINK,
            typed("text", {"media_type": st.just("text/plain"), "data": TEXT}),
            typed("content", {"content": TEXT | st.lists(WORDS | PICTURE, max_size=2)}),
        )
    },
    title=TEXT,
    context=TEXT,
)
FOUND = block("search_result", {"source": TEXT, "title": TEXT, "content": st.lists(WORDS, max_size=2)})
OPAQUE = TEXT | TEXT.map("or1.".__add__) | st.sampled_from(["or1.e30=", "or1.eyJ0eXBlIjoieCJ9", "or1.W1tbWw=="])
TOOL = st.one_of(
    record(
        {"name": NAME, "input_schema": st.just({"type": "object"}) | OBJECT}, description=TEXT, strict=st.booleans()
    ),
    typed("custom", {"name": NAME, "input_schema": st.just({"type": "object", "properties": {}})}),
    typed("web_search_20250305", {"name": st.just("web_search")}, max_uses=st.integers(1, 5)),
    typed("openrouter:web_search", parameters=record({}, max_results=st.integers(1, 5))),
)
NAMED = typed("tool_reference", {"name": NAME})
REFERENCE = block("tool_reference", {"tool_name": NAME})
BLOCK = st.one_of(
    WORDS,
    PICTURE,
    DOCUMENT,
    FOUND,
    block("tool_use", {"id": ID, "name": NAME, "input": OBJECT}),
    block(
        "tool_result",
        {"tool_use_id": ID},
        content=TEXT | st.lists(st.one_of(WORDS, PICTURE, DOCUMENT, FOUND, REFERENCE), max_size=2),
        is_error=st.booleans(),
    ),
    typed("thinking", {"thinking": TEXT, "signature": OPAQUE}),
    typed("redacted_thinking", {"data": OPAQUE}),
    typed("server_tool_use", {"id": ID, "name": st.just("web_search"), "input": OBJECT}),
    typed("web_search_tool_result", {"tool_use_id": ID, "content": ANYTHING}),
    block("tool_addition", {"tool": NAMED | typed("tool_definition", {"definition": TOOL})}),
    block("tool_removal", {"tool": NAMED}),
    block("compaction", {"content": TEXT | st.none()}),
)
MESSAGE = record(
    {"role": st.sampled_from(["user", "assistant", "system"]), "content": TEXT | st.lists(BLOCK, max_size=3)}
)
SENSIBLE = record(
    {"model": st.just("acme/one"), "messages": st.lists(MESSAGE, min_size=1, max_size=3)},
    max_tokens=st.integers(1, 50),
    system=TEXT | st.lists(WORDS, max_size=2),
    stop_sequences=st.lists(TEXT, max_size=6),
    stream=st.booleans(),
    temperature=st.floats(0, 1),
    top_k=st.integers(0, 50),
    tools=st.lists(TOOL, max_size=3),
    tool_choice=st.one_of(typed("auto"), typed("any"), typed("none"), typed("tool", {"name": NAME})),
    thinking=st.one_of(
        typed("enabled", {"budget_tokens": st.integers(1, 3000)}),
        typed("adaptive", display=st.sampled_from(["summarized", "omitted"])),
        typed("disabled"),
    ),
    output_config=record(
        {},
        effort=st.sampled_from(["low", "xhigh"]),
        format=typed("json_schema", {"schema": st.just({"type": "object"})}),
    ),
    metadata=record({}, user_id=TEXT),
    fallbacks=st.lists(record({"model": st.just("acme/one")}), max_size=3),
    provider=record({}, sort=st.just("price")),
    service_tier=st.sampled_from(["auto", "priority"]),
    speed=st.sampled_from(["fast", "standard"]),
    user=TEXT,
)


@st.composite
def _bodies(draw: st.DrawFn) -> Any:
    body = draw(SENSIBLE)
    for _ in range(draw(st.integers(0, 2))):
        body = _altered(draw, body)
    return body


def _altered(draw: st.DrawFn, value: Any) -> Any:
    """The value with a part of it replaced by anything, added to, or left out, at any depth."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 5)) == 0:
        return draw(ANYTHING)
    if isinstance(value, dict):
        name = draw(st.sampled_from(sorted(value)))
        rest = {key: each for key, each in value.items() if key != name}
        return rest if draw(st.integers(0, 5)) == 0 else rest | {name: _altered(draw, value[name])}
    place = draw(st.integers(0, len(value) - 1))
    return [*value[:place], _altered(draw, value[place]), *value[place + 1 :]]


#: Not always an object.
BODY = _bodies()
