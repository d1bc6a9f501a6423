"""Bodies of Responses requests, sensible and senseless, for hypothesis."""

from typing import Any

from hypothesis import strategies as st

__all__ = ["BODY", "JSON", "TEXT", "record", "typed"]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TEXT = st.text(max_size=30)
NAME = st.sampled_from(["get_weather", "apply_patch", "local_shell", "a"])
CALL_ID = st.sampled_from(["call_1", "call_2"])
OBJECT = st.dictionaries(st.text(max_size=8), JSON, max_size=3)
IMAGE = st.just("data:image/png;base64,iVBORw0KGgo=")

Fields = st.SearchStrategy[Any]


class _Examples:
    """Strategies for the parts of a body; with `senseless`, any of them may be anything."""

    def __init__(self, *, senseless: bool) -> None:
        self._senseless = senseless

    def _any(self, *sensible: Fields) -> Fields:
        return st.one_of(*sensible, *([JSON] if self._senseless else []))

    def record(self, required: dict[str, Fields], **optional: Fields) -> Fields:
        """An object with these fields."""
        return st.fixed_dictionaries(
            {name: self._any(value) for name, value in required.items()},
            optional={name: self._any(value) for name, value in optional.items()},
        )

    def typed(self, kind: str, required: dict[str, Fields] | None = None, **optional: Fields) -> Fields:
        """An object of this `type`."""
        return self.record({"type": st.just(kind), **(required or {})}, **optional)

    def content(self) -> Fields:
        return TEXT | st.lists(
            self._any(
                self.typed("input_text", {"text": TEXT}),
                self.typed("output_text", {"text": TEXT}, annotations=JSON),
                self.typed("refusal", {"refusal": TEXT}),
                self.typed("input_image", {"image_url": IMAGE}, detail=st.sampled_from(["low", "auto"])),
                self.typed("input_file", {"file_data": TEXT.filter(bool)}, filename=TEXT),
            ),
            max_size=3,
        )

    def agents_content(self) -> Fields:
        parts = self._any(
            self.typed("input_text", {"text": TEXT}), self.typed("encrypted_content", {"encrypted_content": TEXT})
        )
        return st.lists(parts, max_size=2)

    def item(self) -> Fields:
        roles = st.sampled_from(["user", "assistant", "developer", "system"])
        call, output = {"call_id": CALL_ID}, {"call_id": CALL_ID, "output": self.content()}
        return self._any(
            self.record({"role": roles, "content": self.content()}),
            self.typed("message", {"role": roles, "content": self.content()}, id=TEXT),
            self.typed("agent_message", {"author": NAME, "recipient": NAME, "content": self.agents_content()}),
            self.typed("function_call", call | {"name": NAME, "arguments": TEXT}, namespace=NAME),
            self.typed("function_call_output", output),
            self.typed("custom_tool_call", call | {"name": NAME, "input": TEXT}),
            self.typed("custom_tool_call_output", output),
            self.typed("local_shell_call", call | {"action": OBJECT}),
            self.typed("local_shell_call_output", {"id": CALL_ID, "output": TEXT}),
            self.typed("apply_patch_call", call | {"operation": OBJECT}),
            self.typed("apply_patch_call_output", call, status=TEXT, output=TEXT),
            self.typed("reasoning", summary=st.just([]), encrypted_content=TEXT, format=TEXT, signature=TEXT),
            self.typed("web_search_call"),
            self.typed("tool_search_call", call | {"arguments": JSON}),
            self.typed("tool_search_output", call | {"tools": st.lists(self.tool(), max_size=2)}),
            self.typed("additional_tools", {"tools": st.lists(self.tool(), max_size=2)}),
            self.typed("image_generation_call", result=TEXT),
        )

    def tool(self) -> Fields:
        function = self.typed("function", {"name": NAME}, parameters=OBJECT, strict=st.booleans(), description=TEXT)
        return self._any(
            function,
            self.typed("custom", {"name": NAME}, description=TEXT),
            self.typed("namespace", {"name": NAME, "tools": st.lists(function, max_size=1)}),
            self.typed("local_shell"),
            self.typed("apply_patch"),
            self.typed("tool_search", {"execution": st.just("client")}, parameters=OBJECT),
            self.typed("web_search", filters=st.just({"allowed_domains": ["a.example"]}), engine=st.just("exa")),
        )

    def body(self) -> Fields:
        kinds = st.sampled_from(["function", "custom", "apply_patch", "web_search"])
        said = self._any(TEXT, st.lists(self.item(), min_size=1, max_size=4))
        return self.record(
            {"input": said, "model": st.just("acme/one"), "provider": st.just({"sort": "price"})},
            instructions=TEXT,
            tools=st.lists(self.tool(), max_size=2),
            tool_choice=st.sampled_from(["auto", "none", "required"]) | self.record({"type": kinds}, name=NAME),
            text=self.record({}, format=st.sampled_from([{"type": "text"}, {"type": "json_object"}])),
            reasoning=self.record({}, effort=st.sampled_from(["low", "none"]), summary=TEXT),
            include=st.lists(TEXT, max_size=2),
            max_output_tokens=st.integers(1, 50),
            top_logprobs=st.integers(0, 20),
            truncation=st.sampled_from(["auto", "disabled"]),
            stream=st.booleans(),
            store=st.just(False),
            metadata=st.just({"a": "b"}),
            user=TEXT,
        )


_senseless = _Examples(senseless=True)
record, typed = _senseless.record, _senseless.typed

BODY = _Examples(senseless=False).body() | _senseless.body()
