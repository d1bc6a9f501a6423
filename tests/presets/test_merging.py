"""A request and its preset: the request's fields win, tools are joined, the preset's models take its name's place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InvalidRequest
from presets.merging import SPELLINGS, merged, named_slug

SPELLED = frozenset().union(*SPELLINGS)
NAMES = ["temperature", "top_p", "seed", "stop", "provider", "safe_prompt", *sorted(SPELLED)]
VALUES = st.none() | st.integers() | st.text(max_size=3) | st.dictionaries(st.text(max_size=2), st.integers())
FIELDS = st.dictionaries(st.sampled_from(NAMES), VALUES)


def tool(name, **fields):
    return {"type": "function", "function": {"name": name, **fields}}


# --- The name of a preset


@pytest.mark.parametrize(
    "body",
    [
        {"model": "@preset/support"},
        {"model": "acme/one@preset/support"},
        {"preset": "support", "model": "acme/one"},
        {"preset": "support", "model": "@preset/support", "models": ["acme/two@preset/support"]},
        {"models": ["acme/one", "@preset/support"]},
    ],
)
def test_a_preset_is_named_in_a_field_or_in_the_name_of_a_model(body):
    assert named_slug(body) == "support"


def test_a_request_has_one_preset():
    with pytest.raises(InvalidRequest, match=r"one preset.* names support and sales"):
        named_slug({"model": "@preset/support", "preset": "sales"})


def test_an_empty_name_is_not_the_absence_of_one():
    assert named_slug({"model": "@preset/"}) == named_slug({"model": "acme/one"}) == ""


# --- Fields


@given(config=FIELDS, body=FIELDS)
def test_a_field_of_the_request_overrides_the_presets_and_all_others_stay(config, body):
    sent = {name: value for name, value in body.items() if value is not None}
    result = merged(config, {**body, "preset": "support"})
    assert result.items() >= sent.items()
    assert result.keys() <= sent.keys() | config.keys()
    for name in config.keys() - sent.keys():
        meanings = next((group for group in SPELLINGS if name in group), frozenset({name}))
        assert (name in result) == (not meanings & sent.keys())
        if name in result:
            assert result[name] == config[name]


@given(config=FIELDS, body=FIELDS)
def test_merging_again_changes_nothing(config, body):
    config = {name: value for name, value in config.items() if value is not None}
    once = merged(config, body)
    assert merged(config, once) == once


def test_objects_are_overridden_whole():
    config = {"provider": {"sort": "price", "zdr": True}}
    assert merged(config, {"provider": {"sort": "latency"}}) == {"provider": {"sort": "latency"}}


def test_fields_for_the_cache_are_no_fields_of_requests():
    config = {"cache_enabled": True, "cache_ttl_seconds": 60, "cache_control": {"type": "ephemeral"}}
    assert merged(config, {}) == {"cache_control": {"type": "ephemeral"}}


# --- Models


@pytest.mark.parametrize(
    "body, models",
    [
        ({"model": "@preset/x"}, {"model": "own/one", "models": ["own/two"]}),
        ({"preset": "x"}, {"model": "own/one", "models": ["own/two"]}),
        ({"model": "acme/one@preset/x"}, {"model": "acme/one", "models": ["own/two"]}),
        ({"model": "acme/one:nitro", "preset": "x"}, {"model": "acme/one:nitro", "models": ["own/two"]}),
        ({"model": "@preset/x", "models": []}, {"model": "own/one", "models": []}),
        (
            {"model": "acme/one", "models": ["acme/two@preset/x", "@preset/x", "acme/three"]},
            {"model": "acme/one", "models": ["acme/two", "own/one", "own/two", "acme/three"]},
        ),
    ],
)
def test_the_presets_models_stand_where_its_name_stood(body, models):
    assert merged({"model": "own/one", "models": ["own/two"]}, body) == models


def test_a_preset_without_a_model_leaves_the_choice_to_the_default():
    assert merged({"temperature": 0}, {"model": "@preset/x"}) == {"temperature": 0, "model": None}


# --- Tools


def test_tools_are_joined_and_the_requests_replace_their_namesakes():
    config = {"tools": [tool("search", description="preset"), tool("clock"), {"type": "openrouter:web_search"}]}
    body = {"tools": [tool("search", description="request"), {"type": "openrouter:datetime"}]}
    assert merged(config, body)["tools"] == [
        tool("clock"),
        {"type": "openrouter:web_search"},
        tool("search", description="request"),
        {"type": "openrouter:datetime"},
    ]


@given(st.lists(st.sampled_from("abcd"), unique=True), st.lists(st.sampled_from("abcd"), unique=True))
def test_each_tool_is_there_once(of_preset, of_request):
    body = {"tools": [tool(name, strict=True) for name in of_request]} if of_request else {}
    tools = merged({"tools": [tool(name) for name in of_preset]}, body)["tools"]
    names = [each["function"]["name"] for each in tools]
    assert sorted(names) == sorted({*of_preset, *of_request})
    assert [each for each in tools if each["function"].get("strict")] == body.get("tools", [])
