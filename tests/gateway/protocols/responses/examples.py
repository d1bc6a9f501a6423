"""Bodies of Responses requests, sensible and senseless, for hypothesis."""

from hypothesis import strategies as st

__all__ = ["BODY"]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TEXT = st.text(max_size=30)
NAME = st.sampled_from(["get_weather", "apply_patch", "local_shell", "a", ""])
CALL_ID = st.sampled_from(["call_1", "call_2"])


def record(required: dict[str, st.SearchStrategy], **optional: st.SearchStrategy) -> st.SearchStrategy:
    """An object with these fields, each of which may be anything now and then."""
    return st.fixed_dictionaries(required, optional={name: value | JSON for name, value in optional.items()})


def typed(kind: str, **fields: st.SearchStrategy) -> st.SearchStrategy:
    return record({"type": st.just(kind)}, **fields)


PART = st.one_of(
    typed("input_text", text=TEXT),
    typed("output_text", text=TEXT, annotations=JSON),
    typed("refusal", refusal=TEXT),
    typed("input_image", image_url=st.just("data:image/png;base64,iVBORw0KGgo="), detail=TEXT),
    typed("input_file", filename=TEXT, file_data=TEXT, file_url=TEXT),
    JSON,
)
CONTENT = TEXT | st.lists(PART, max_size=3)
ITEM = st.one_of(
    record({"role": st.sampled_from(["user", "assistant", "developer", "system"]), "content": CONTENT}, type=JSON),
    typed("message", role=st.sampled_from(["user", "assistant"]), content=CONTENT, id=TEXT),
    typed("function_call", call_id=CALL_ID, name=NAME, arguments=TEXT, namespace=NAME),
    typed("function_call_output", call_id=CALL_ID, output=CONTENT),
    typed("custom_tool_call", call_id=CALL_ID, name=NAME, input=TEXT),
    typed("custom_tool_call_output", call_id=CALL_ID, output=CONTENT),
    typed("local_shell_call", call_id=CALL_ID, action=JSON),
    typed("local_shell_call_output", id=CALL_ID, output=TEXT),
    typed("apply_patch_call", call_id=CALL_ID, operation=JSON),
    typed("apply_patch_call_output", call_id=CALL_ID, status=TEXT, output=TEXT),
    typed("reasoning", summary=JSON, content=JSON, encrypted_content=TEXT | TEXT.map("or1.".__add__)),
    typed("web_search_call"),
    typed("tool_search_call", call_id=CALL_ID, arguments=JSON),
    typed("tool_search_output", call_id=CALL_ID, tools=st.lists(typed("function", name=NAME), max_size=2)),
    typed("additional_tools", tools=st.lists(JSON, max_size=2)),
    typed("image_generation_call", result=TEXT),
    JSON,
)
TOOL = st.one_of(
    typed("function", name=NAME, parameters=JSON, strict=st.booleans(), description=TEXT),
    typed("custom", name=NAME, description=TEXT, format=JSON),
    typed("namespace", name=NAME, tools=st.lists(typed("function", name=NAME), max_size=2)),
    typed("local_shell"),
    typed("apply_patch"),
    typed("tool_search", execution=st.just("client"), parameters=JSON),
    typed("web_search", filters=JSON, engine=TEXT),
    JSON,
)
TOOL_CHOICE = st.one_of(
    st.sampled_from(["auto", "none", "required"]),
    record({"type": st.sampled_from(["function", "custom", "apply_patch", "web_search"])}, name=NAME),
    typed("allowed_tools", mode=st.just("auto"), tools=st.lists(typed("function", name=NAME), max_size=2)),
    JSON,
)
BODY = record(
    {"input": TEXT | st.lists(ITEM, max_size=4) | JSON, "model": st.just("acme/one")},
    instructions=TEXT,
    tools=st.lists(TOOL, max_size=3),
    tool_choice=TOOL_CHOICE,
    text=record({}, format=record({}, type=st.sampled_from(["text", "json_object"]), schema=JSON), verbosity=TEXT),
    reasoning=record({}, effort=st.sampled_from(["low", "none"]), max_tokens=st.integers(-1, 50), summary=TEXT),
    include=st.lists(TEXT, max_size=2),
    max_output_tokens=st.integers(-1, 50),
    top_logprobs=st.integers(-1, 22),
    truncation=st.sampled_from(["auto", "disabled"]),
    stream=st.booleans(),
    store=st.booleans(),
    plugins=st.lists(record({}, id=st.sampled_from(["web", "response-healing"])), max_size=1),
    provider=record({}, sort=st.just("price")),
    metadata=JSON,
    user=TEXT,
)
