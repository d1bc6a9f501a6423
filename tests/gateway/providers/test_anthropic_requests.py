"""Request bodies in Anthropic's protocol, without a network: for each generation of models, and what is left out."""

import pytest

from gateway.providers.anthropic.generations import GENERATIONS, generation_of
from gateway.providers.anthropic.schema import to_supported_schema
from gateway.providers.fetching import FetchedFile
from tests.gateway.native import TOOL_CALL, TOOL_RESULT, WEATHER, file, for_anthropic, image, user

FORCED_TOOL = {"tools": [WEATHER], "tool_choice": "required"}


# --- Generations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "since"),
    [
        ("claude-3-haiku-20240307", (0, 0)),
        ("claude-3-7-sonnet-20250219", (0, 0)),
        ("claude-sonnet-4-20250514", (4, 0)),
        ("claude-haiku-4-5-20251001", (4, 0)),
        ("claude-opus-4.6", (4, 6)),
        ("claude-opus-4-7", (4, 7)),
        ("claude-sonnet-4-12", (4, 7)),
        ("anthropic.claude-opus-5", (5, 0)),
        ("claude-fable-5-1", (5, 0)),
        ("something-else", (4, 0)),
    ],
)
def test_a_models_generation_is_in_its_name(name, since):
    assert generation_of(name).since == since


@pytest.mark.parametrize("generation", GENERATIONS[1:], ids=lambda generation: str(generation.since))
def test_every_generation_begins_with_its_first_version(generation):
    major, minor = generation.since
    before = f"claude-opus-{major}-{minor - 1}" if minor else f"claude-opus-{major - 1}-99"
    assert generation_of(f"claude-opus-{major}-{minor}") is generation
    assert generation_of(before) is GENERATIONS[GENERATIONS.index(generation) - 1]


@pytest.mark.parametrize(
    ("name", "reasoning", "thinking", "effort"),
    [
        ("claude-haiku-4-5", None, None, None),
        ("claude-haiku-4-5", {"effort": "medium"}, {"type": "enabled", "budget_tokens": 2000}, None),
        ("claude-haiku-4-5", {"effort": "max"}, {"type": "enabled", "budget_tokens": 3800}, None),
        ("claude-haiku-4-5", {"effort": "minimal"}, {"type": "enabled", "budget_tokens": 1024}, None),
        ("claude-haiku-4-5", {"enabled": True}, {"type": "enabled", "budget_tokens": 2000}, None),
        ("claude-haiku-4-5", {"max_tokens": 99_999}, {"type": "enabled", "budget_tokens": 3800}, None),
        ("claude-haiku-4-5", {"exclude": True}, None, None),
        ("claude-haiku-4-5", {"effort": "none"}, {"type": "disabled"}, None),
        ("claude-sonnet-4-6", None, None, None),
        ("claude-sonnet-4-6", {"effort": "xhigh"}, {"type": "adaptive", "display": "summarized"}, "high"),
        ("claude-sonnet-4-6", {"max_tokens": 1500}, {"type": "enabled", "budget_tokens": 1500}, None),
        ("claude-opus-4-7", {"effort": "xhigh"}, {"type": "adaptive", "display": "summarized"}, "xhigh"),
        ("claude-opus-4-7", {"max_tokens": 1500}, {"type": "adaptive", "display": "summarized"}, "medium"),
        ("claude-opus-4-7", {"max_tokens": 9999}, {"type": "adaptive", "display": "summarized"}, "xhigh"),
        ("claude-opus-4-7", {"max_tokens": 100}, {"type": "adaptive", "display": "summarized"}, "low"),
        ("claude-sonnet-5", None, {"type": "adaptive", "display": "summarized"}, None),
        ("claude-sonnet-5", {"exclude": True}, {"type": "adaptive", "display": "omitted"}, None),
        ("claude-sonnet-5", {"effort": "minimal"}, {"type": "adaptive", "display": "summarized"}, "low"),
        ("claude-sonnet-5", {"enabled": False}, {"type": "disabled"}, None),
    ],
)
def test_each_generation_has_its_own_reasoning_parameters(name, reasoning, thinking, effort):
    body = for_anthropic(name=name, max_tokens=4000, reasoning=reasoning)
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort


@pytest.mark.parametrize(
    ("name", "parameters", "effort"),
    [
        ("claude-opus-4-7", {"verbosity": "xhigh"}, "xhigh"),
        ("claude-sonnet-4-6", {"verbosity": "xhigh"}, "high"),
        ("claude-sonnet-5", {"verbosity": "low", "reasoning": {"enabled": False}}, "low"),
        ("claude-sonnet-4-6", {"verbosity": "low", "reasoning": {"max_tokens": 1500}}, "low"),
        ("claude-sonnet-5", {"verbosity": "low", "reasoning": {"effort": "high"}}, "high"),
        ("claude-haiku-4-5", {"verbosity": "low"}, None),
    ],
)
def test_verbosity_becomes_an_effort_unless_reasoning_sets_one(name, parameters, effort):
    body = for_anthropic(name=name, max_tokens=4000, **parameters)
    assert body.get("output_config", {}).get("effort") == effort
    assert "verbosity" not in body


def test_the_reasoning_budget_is_bounded():
    fields = {"max_completion_tokens": 500_000}
    body = for_anthropic(max_tokens=500_000, reasoning={"effort": "high"}, fields=fields)
    assert body["thinking"]["budget_tokens"] == 128_000
    assert "thinking" not in for_anthropic(max_tokens=1024, reasoning={"effort": "high"})


def test_reasoning_is_left_out_with_a_forced_tool_or_a_final_assistant_message():
    assert "thinking" not in for_anthropic(reasoning={"effort": "high"}, **FORCED_TOOL)
    assert "thinking" not in for_anthropic(name="claude-sonnet-5", **FORCED_TOOL)
    prefill = {"role": "assistant", "content": "The answer is "}
    body = for_anthropic(user("Hi"), prefill, reasoning={"effort": "high"})
    assert "thinking" not in body
    assert body["messages"][-1]["content"] == [{"type": "text", "text": "The answer is"}]


def test_reasoning_is_left_out_in_a_chain_of_tool_calls_that_began_without_it():
    calling = {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]}
    chain = [user("Weather?"), calling, TOOL_RESULT]
    assert "thinking" not in for_anthropic(*chain, tools=[WEATHER], reasoning={"effort": "high"})
    chain[1] = {**calling, "reasoning_details": [{"type": "reasoning.text", "text": "Hm", "signature": "s"}]}
    assert for_anthropic(*chain, tools=[WEATHER], reasoning={"effort": "high"})["thinking"]["type"] == "enabled"


def test_sampling_parameters_that_the_provider_refuses_are_left_out():
    sampling = {"temperature": 0.5, "top_p": 0.9, "top_k": 5}
    body = for_anthropic(**sampling)
    assert (body["temperature"], body.get("top_p"), body["top_k"]) == (0.5, None, 5)
    assert for_anthropic(name="claude-3-haiku-20240307", **sampling)["top_p"] == 0.9
    assert for_anthropic(top_p=0.9)["top_p"] == 0.9
    reasoning = for_anthropic(reasoning={"effort": "high"}, **sampling)
    assert not sampling.keys() & reasoning.keys()
    assert "temperature" not in for_anthropic(fields={"supported_parameters": frozenset({"reasoning"})}, **sampling)


# --- Messages -------------------------------------------------------------------------------------------


def test_turns_alternate_and_blank_texts_are_left_out():
    body = for_anthropic(
        {"role": "system", "content": "  "},
        user("one"),
        user([{"type": "text", "text": ""}, {"type": "text", "text": "two"}]),
        {"role": "assistant", "content": ""},
        user("three"),
    )
    assert "system" not in body
    texts = [{"type": "text", "text": text} for text in ("one", "two", "three")]
    assert body["messages"] == [{"role": "user", "content": texts}]


def test_system_messages_alone_become_a_user_turn():
    body = for_anthropic({"role": "system", "content": "Say hi."})
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Say hi."}]}]
    assert "system" not in body


def test_only_signed_reasoning_of_this_provider_goes_back_joined_from_its_pieces():
    details = [
        {"type": "reasoning.text", "text": "Let me ", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.text", "text": "think.", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.text", "text": "", "signature": "sig", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "xyz", "format": "anthropic-claude-v1", "index": 1},
        {"type": "reasoning.text", "text": "", "signature": "sig2", "format": "anthropic-claude-v1", "index": 2},
        {"type": "reasoning.text", "text": "unsigned", "format": "anthropic-claude-v1", "index": 3},
        {"type": "reasoning.encrypted", "data": "abc", "format": "google-gemini-v1"},
        {"type": "reasoning.summary", "summary": "no", "format": "openai-responses-v1"},
    ]
    reply = {"role": "assistant", "content": "Four.", "reasoning_details": details}
    assert for_anthropic(user("2+2?"), reply, user("Sure?"))["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Let me think.", "signature": "sig"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "thinking", "thinking": "", "signature": "sig2"},
        {"type": "text", "text": "Four."},
    ]


def test_a_conversation_may_have_begun_at_another_provider():
    call = {**TOOL_CALL, "id": "functions.get_weather:0", "function": {"name": "get_weather", "arguments": "{broken"}}
    older_call = {"role": "assistant", "function_call": {"name": "get_time", "arguments": ""}}
    body = for_anthropic(
        user("Weather?"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "functions.get_weather:0", "content": ""},
        older_call,
        {"role": "function", "name": "get_time", "content": "noon"},
    )
    tool_use, result, older_use, older_result = (turn["content"][0] for turn in body["messages"][1:])
    assert (tool_use["id"], tool_use["input"]) == ("functions_get_weather_0", {"arguments": "{broken"})
    assert result == {"type": "tool_result", "tool_use_id": "functions_get_weather_0"}
    assert (older_use["name"], older_use["input"]) == ("get_time", {})
    assert older_result["tool_use_id"] == older_use["id"]


def test_cache_control_stays_where_it_was():
    cached = {"type": "text", "text": "Long", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    body = for_anthropic(
        {"role": "system", "content": [cached]},
        {"role": "user", "content": "Hello", "cache_control": {"type": "ephemeral"}},
        {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]},
        {**TOOL_RESULT, "content": [cached]},
        tools=[{**WEATHER, "cache_control": {"type": "ephemeral"}}],
    )
    ephemeral = {"type": "ephemeral"}
    assert body["system"][0]["cache_control"] == ephemeral
    assert body["messages"][0]["content"][0]["cache_control"] == ephemeral
    result = body["messages"][2]["content"][0]
    assert result["cache_control"] == ephemeral and "cache_control" not in result["content"][0]
    assert body["tools"][0]["cache_control"] == ephemeral


@pytest.mark.parametrize(
    ("automatic", "kept"), [(False, "tool 2, system 2, turn 1, turn 2"), (True, "tool 2, system 2, turn 2")]
)
def test_at_most_four_cache_marks_are_sent_those_that_cover_most(automatic, kept):
    mark = {"cache_control": {"type": "ephemeral"}}
    body = for_anthropic(
        {"role": "system", "content": [{"type": "text", "text": f"system {number}", **mark} for number in (1, 2)]},
        user([{"type": "text", "text": f"turn {number}", **mark} for number in (1, 2)]),
        tools=[{"type": "function", "function": {"name": f"tool {number}"}, **mark} for number in (1, 2)],
        **(mark if automatic else {}),
    )
    blocks = [*body["tools"], *body["system"], *body["messages"][0]["content"]]
    assert ", ".join(block.get("name") or block["text"] for block in blocks if "cache_control" in block) == kept
    assert ("cache_control" in body) == automatic


def test_a_fetched_file_replaces_its_url():
    fetched = {
        "http://a.example/x": FetchedFile("image/gif", "R0lG"),
        "http://a.example/y": FetchedFile("application/pdf", "J"),
    }
    body = for_anthropic(user([image("http://a.example/x"), file("http://a.example/y")]), fetched=fetched)
    kinds = [(block["type"], block["source"]["media_type"]) for block in body["messages"][0]["content"]]
    assert kinds == [("image", "image/gif"), ("document", "application/pdf")]


# --- Tools and output -----------------------------------------------------------------------------------


def test_blank_stop_sequences_are_left_out():
    assert for_anthropic(stop=["\n", "END"])["stop_sequences"] == ["END"]
    assert "stop_sequences" not in for_anthropic(stop="\n\n")


def test_a_strict_tool_gets_a_supported_schema():
    tool = {"type": "function", "function": {**WEATHER["function"], "strict": True}}
    (strict,) = for_anthropic(tools=[tool])["tools"]
    assert strict["strict"] is True
    assert strict["input_schema"]["additionalProperties"] is False
    plain = for_anthropic(tools=[tool], fields={"supported_parameters": frozenset({"tools"})})["tools"][0]
    assert "strict" not in plain
    assert "tools" not in for_anthropic(tools=[tool], fields={"supported_parameters": frozenset()})
    bare = for_anthropic(tools=[{"type": "function", "function": {"name": "now"}}, {"type": "web_search"}])["tools"]
    assert bare == [{"name": "now", "input_schema": {"type": "object", "properties": {}}}]


def test_unsupported_keywords_of_a_schema_move_to_its_description():
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": ["object", "null"],
        "properties": {
            "name": {"type": "string", "description": "First name", "minLength": 1, "format": "uuid"},
            "tags": {"type": "array", "items": {"type": "string", "format": "phone"}, "minItems": 1, "maxItems": 3},
            "pet": {"oneOf": [{"$ref": "#/$defs/dog"}, {"type": "null"}]},
        },
        "required": ["name"],
        "additionalProperties": True,
        "$defs": {"dog": {"type": "object", "properties": {"age": {"type": "integer", "maximum": 30}}}},
    }
    assert to_supported_schema(schema) == {
        "type": ["object", "null"],
        "properties": {
            "name": {"type": "string", "description": "First name (minLength: 1)", "format": "uuid"},
            "tags": {
                "type": "array",
                "items": {"type": "string", "description": '(format: "phone")'},
                "minItems": 1,
                "description": "(maxItems: 3)",
            },
            "pet": {"anyOf": [{"$ref": "#/$defs/dog"}, {"type": "null"}]},
        },
        "required": ["name"],
        "additionalProperties": False,
        "$defs": {
            "dog": {
                "type": "object",
                "properties": {"age": {"type": "integer", "description": "(maximum: 30)"}},
                "additionalProperties": False,
            }
        },
    }


def test_a_schema_that_cannot_be_enforced_becomes_an_instruction():
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    fields = {"supported_parameters": frozenset({"response_format"})}
    body = for_anthropic({"role": "system", "content": "Be brief."}, user("Hi"), response_format=wanted, fields=fields)
    assert "output_config" not in body
    assert body["system"][1]["text"].endswith('It keeps this JSON Schema: {"type":"object"}')
    assert "system" not in for_anthropic(response_format=wanted, fields={"supported_parameters": frozenset()})


def test_a_schema_and_an_effort_are_sent_together():
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    body = for_anthropic(name="claude-sonnet-5", response_format=wanted, reasoning={"effort": "low"})
    assert set(body["output_config"]) == {"effort", "format"}


def test_a_compressed_conversation_has_at_most_a_thousand_messages():
    messages = [user(f"{n}") if n % 2 == 0 else {"role": "assistant", "content": f"{n}"} for n in range(1501)]
    assert len(for_anthropic(*messages, transforms=["middle-out"])["messages"]) <= 1000
    assert len(for_anthropic(*messages)["messages"]) == 1501


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([("a/1", "a.1")], [("a_1", "a_1_2")]),
        ([("call_0",), ("call_0",), ("call_0",)], [("call_0",), ("call_0_2",), ("call_0_3",)]),
        ([("x", "x")], [("x", "x_2")]),
        ([("", "")], [("call", "call_2")]),
        ([("a_2", "a"), ("a",)], [("a_2", "a"), ("a_3",)]),
    ],
)
def test_each_call_has_its_own_id_and_results_have_that_of_their_call(turns, expected):
    said = [user("Hi")]
    for ids in turns:
        calls = [{"id": one, "type": "function", "function": {"name": "look", "arguments": "{}"}} for one in ids]
        said.append({"role": "assistant", "content": None, "tool_calls": calls})
        said += [{"role": "tool", "tool_call_id": one, "content": "Rain"} for one in ids]
    sent = for_anthropic(*said)["messages"][1:]
    assert [tuple(block["id"] for block in turn["content"]) for turn in sent[::2]] == expected
    assert [tuple(block["tool_use_id"] for block in turn["content"]) for turn in sent[1::2]] == expected
