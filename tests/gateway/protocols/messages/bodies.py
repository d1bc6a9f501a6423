"""Bodies of Messages requests, sensible and senseless, for hypothesis."""

from typing import Any

from hypothesis import strategies as st

from tests.gateway.native import PDF, PNG
from tests.gateway.protocols.responses.examples import JSON, TEXT, record, typed

__all__ = ["BODY"]

CACHED = typed("ephemeral", ttl=st.sampled_from(["5m", "1h"]))
NAME = st.sampled_from(["get_weather", "look", "web_search", ""])
ID = st.sampled_from(["toolu_1", "call:2", ""])
SOURCE = st.one_of(
    typed("base64", media_type=st.sampled_from(["image/png", "image/svg+xml", "application/pdf"]), data=TEXT),
    st.sampled_from([{"type": "base64", "media_type": "image/png", "data": PNG}]),
    st.sampled_from([{"type": "base64", "media_type": "application/pdf", "data": PDF}]),
    typed("text", media_type=st.just("text/plain"), data=TEXT),
    typed("content", content=TEXT | st.lists(typed("text", text=TEXT), max_size=2)),
    typed("file", file_id=TEXT),
    JSON,
)


def block(kind: str, **fields: st.SearchStrategy) -> st.SearchStrategy:
    return typed(kind, cache_control=CACHED, **fields)


INNER = st.one_of(
    block("text", text=TEXT, citations=JSON), block("image", source=SOURCE), block("document", source=SOURCE), JSON
)
BLOCK = st.one_of(
    block("text", text=TEXT, citations=JSON),
    block("image", source=SOURCE),
    block("document", source=SOURCE, title=TEXT, context=TEXT),
    block("search_result", source=TEXT, title=TEXT, content=st.lists(typed("text", text=TEXT), max_size=2)),
    block("tool_use", id=ID, name=NAME, input=JSON),
    block("tool_result", tool_use_id=ID, content=TEXT | st.lists(INNER, max_size=2), is_error=st.booleans()),
    typed("thinking", thinking=TEXT, signature=TEXT | TEXT.map("or1.".__add__)),
    typed("redacted_thinking", data=TEXT | TEXT.map("or1.".__add__)),
    typed("server_tool_use", id=ID, name=NAME, input=JSON),
    typed("web_search_tool_result", tool_use_id=ID, content=JSON),
    typed("container_upload", file_id=TEXT),
    JSON,
)
MESSAGE = record(
    {"role": st.sampled_from(["user", "assistant"])}, content=TEXT | st.lists(BLOCK, max_size=3), name=JSON
)
TOOL: st.SearchStrategy[Any] = st.one_of(
    record({"name": NAME}, description=TEXT, input_schema=JSON, strict=st.booleans(), cache_control=CACHED),
    typed("custom", name=NAME, input_schema=st.just({"type": "object"})),
    typed("web_search_20250305", name=NAME, max_uses=st.integers(), allowed_domains=st.lists(TEXT, max_size=2)),
    typed("openrouter:web_search", parameters=record({}, max_results=st.integers(0, 30))),
    typed("bash_20250124", name=st.just("bash")),
    JSON,
)
#: Anything, also in a field that is required.
BODY = record(
    {"model": st.just("acme/one"), "messages": st.lists(MESSAGE, min_size=1, max_size=3) | JSON},
    max_tokens=st.integers(-1, 50),
    system=TEXT | st.lists(block("text", text=TEXT), max_size=2),
    stop_sequences=st.lists(TEXT, max_size=6),
    stream=st.booleans(),
    temperature=st.floats(-1, 3),
    top_k=st.integers(-1, 50),
    tools=st.lists(TOOL, max_size=3),
    tool_choice=st.one_of(typed("auto"), typed("any"), typed("none"), typed("tool", name=NAME)),
    thinking=st.one_of(
        typed("enabled", budget_tokens=st.integers(-1, 3000), display=TEXT), typed("adaptive"), typed("disabled")
    ),
    output_config=record(
        {}, effort=st.sampled_from(["low", "xhigh", "none"]), format=typed("json_schema", schema=JSON)
    ),
    metadata=record({}, user_id=TEXT),
    cache_control=CACHED,
    fallbacks=st.lists(record({}, model=TEXT), max_size=4),
    models=st.lists(TEXT, max_size=2),
    provider=record({}, sort=st.sampled_from(["price", "x"])),
    plugins=st.lists(record({}, id=st.sampled_from(["web", "response-healing"])), max_size=1),
    mcp_servers=JSON,
    service_tier=TEXT,
)
