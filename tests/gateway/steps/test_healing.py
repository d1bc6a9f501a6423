"""Response healing: which texts are mended, into what, and which are left as they are."""

import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from hypothesis import given
from hypothesis import strategies as st

from gateway.events import Delta, Finished
from gateway.protocols.chat_completions.request import parse
from gateway.protocols.json_text import is_json
from gateway.providers.failures import ProviderFailure
from gateway.steps.healing import MAX_CHARACTERS, healed, mended
from tests.gateway import factory
from tests.gateway.native import user
from tests.wire import check

OBJECT, EITHER = (dict,), (dict, list)
HEALING = {"plugins": [{"id": "response-healing"}], "response_format": {"type": "json_object"}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1,}', {"a": 1}),
        ('{"a": [1, 2', {"a": [1, 2]}),
        ('{"a": "cut of', {"a": "cut of"}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('Here you are: {"a": 1} I hope it helps.', {"a": 1}),
        ("{'a': 'b'}", {"a": "b"}),
        ("{a: 1}", {"a": 1}),
        ('{"a": 1 "b": 2}', {"a": 1, "b": 2}),
        ('{"a": True, "b": None}', {"a": True, "b": None}),
        ('{"a": "She said "hi" to me"}', {"a": 'She said "hi" to me'}),
        ('For example {"a": 1}. The answer: {"a": 1, "b": "ü"}', {"a": 1, "b": "ü"}),
        ('{"a": 1} // a comment', {"a": 1}),
    ],
)
def test_json_with_faults_is_mended(text, value):
    assert json.loads(mended(text, OBJECT)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I cannot answer that.",
        '{"a": 1.50, "a": 2}',  # valid: not a byte is changed
        ' {"a":1}\n',
        "[1, 2]",
        "null",
        '{"a": 1e999',
        '{"a": "\\ud83d"',
        '{"a":' * 5_000,
        "[" * 5_000,
        '{"a": ' + "1" * MAX_CHARACTERS,
    ],
)
def test_what_is_json_or_cannot_be_mended_stays_as_it_is(text):
    assert mended(text, OBJECT) == text


def test_a_root_of_another_type_is_left_alone():
    assert mended("[1, 2", (list,)) == "[1, 2]"
    assert mended('{"a": 1', ()) == '{"a": 1'
    assert mended('{"a": 1', (list,)) == '{"a": 1'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="ascii"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc_", min_size=1), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text("abc_", min_size=1), JSON, min_size=1, max_size=4)


@given(OBJECTS, st.sampled_from(["```json\n{}\n```", "```\n{}\n```", "{}\n\n", "\ufeff{}"]))
def test_an_object_within_fences_or_white_space_is_found_whole(value, around):
    text = around.replace("{}", json.dumps(value))
    assert json.loads(mended(text, OBJECT).lstrip("\ufeff")) == value


@given(OBJECTS)
def test_missing_brackets_at_the_end_are_written(value):
    text = json.dumps(value).rstrip("]}")
    assert is_json(mended(text, OBJECT))


@given(st.text(max_size=300) | st.text("{}[]\",:'`ab1 \\\n", max_size=300))
def test_a_mended_text_is_json_of_the_right_type_or_the_text_itself(text):
    for kinds in (OBJECT, (list,), EITHER):
        result = mended(text, kinds)
        assert result == text or isinstance(json.loads(result), kinds)


# --- The plugin -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "heals"),
    [
        (HEALING, True),
        (HEALING | {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}, True),
        (HEALING | {"response_format": {"type": "text"}}, False),
        (HEALING | {"response_format": None}, False),
        (HEALING | {"stream": True}, False),
        (HEALING | {"plugins": [{"id": "response-healing", "enabled": False}]}, False),
        (HEALING | {"plugins": [{"id": "web"}]}, False),
        (HEALING | {"plugins": []}, False),
    ],
)
def test_the_plugin_heals_json_in_responses_that_do_not_stream(fields, heals):
    assert parse({"messages": [user("Hi")], **fields}).heals_json is heals


async def gathered(*events: Any, **fields: Any) -> list[Any]:
    async def source() -> Any:
        for event in events:
            if isinstance(event, Exception):
                raise event
            yield event

    collected = []
    try:
        async for event in healed(source(), parse({"messages": [user("Hi")], **HEALING, **fields})):
            collected.append(event)
    except ProviderFailure as failure:
        collected.append(failure)
    return collected


END, OTHER_END = (Finished(finish_reason="stop", native_finish_reason="stop", index=index) for index in (0, 1))


async def test_each_choice_is_mended_in_one_delta_before_its_end():
    found = await gathered(
        Delta(text='{"a"', reasoning="Hm."), Delta(text="[1", index=1), Delta(text=": 1"), END, OTHER_END
    )
    assert found == [Delta(reasoning="Hm."), Delta(text='{"a": 1}'), END, Delta(text="[1", index=1), OTHER_END]


async def test_a_response_that_breaks_off_keeps_its_text():
    failure = ProviderFailure(502, "")
    assert await gathered(Delta(text='{"a"'), failure) == [Delta(text='{"a"'), failure]


async def test_tool_calls_pass_unchanged():
    called = Delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a'}}])
    assert await gathered(called, END) == [called, END]


@pytest.mark.parametrize(
    ("schema", "text"),
    [({"type": "array"}, "[1]"), ({"type": "object"}, "[1"), ({"type": "string"}, "[1"), ({}, "[1]")],
)
async def test_the_schema_says_what_the_root_is(schema, text):
    response_format = {"type": "json_schema", "json_schema": {"schema": schema}}
    assert await gathered(Delta(text="[1"), END, response_format=response_format) == [Delta(text=text), END]


async def test_a_model_without_a_json_mode_answers_with_json_all_the_same(api):
    await sync_to_async(serve)()
    prompt = 'Say exactly: ```json {"colors": ["red", "blue"'
    plain = (await api.chat(prompt, model="acme/plain", response_format=HEALING["response_format"])).json()
    assert plain["choices"][0]["message"]["content"] == '```json {"colors": ["red", "blue"'
    body = (await api.chat(prompt, model="acme/plain", **HEALING)).json()
    check("POST /chat/completions", 200, body)
    assert json.loads(body["choices"][0]["message"]["content"]) == {"colors": ["red", "blue"]}
    assert body["usage"] == plain["usage"]  # billed as the provider wrote it
    assert "```" in (await api.chat(prompt, model="acme/plain", **HEALING, stream=True)).text
    await api.assert_books_balance()


def serve() -> None:
    factory.endpoint(factory.model("acme/plain"), "cheap", factory.CHEAP, supported_parameters=["max_tokens"])


@pytest.mark.django_db(transaction=True)
async def test_the_routing_metadata_names_the_stage(api):
    body = {"model": "acme/one", "messages": [user("Hi")], **HEALING}
    answers = [
        (await api.post(json=sent, headers={"X-OpenRouter-Metadata": "enabled"})).json()
        for sent in (body, body | {"plugins": []})
    ]
    for answer in answers:
        check("POST /chat/completions", 200, answer)
    [stage] = answers[0]["openrouter_metadata"]["pipeline"]
    assert (stage["type"], stage["name"]) == ("response_healing", "response-healing")
    assert "pipeline" not in answers[1]["openrouter_metadata"]
