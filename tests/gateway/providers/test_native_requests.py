"""Request bodies in Anthropic's and Google's protocols, without a network: what holds for both, or for all."""

import json

import pytest

from common.errors import InvalidRequest
from gateway.providers import PROTOCOLS
from gateway.providers.anthropic.messages import urls_to_fetch as urls_for_anthropic
from gateway.providers.failures import ProviderFailure
from gateway.providers.google.messages import urls_to_fetch as urls_for_google
from gateway.routing.upstreams import KNOWN_PROTOCOLS
from tests.gateway.native import PNG, TOOL_CALL, WEATHER, for_anthropic, for_google, image, user
from tests.gateway.providers.test_openai_requests import body_for as body_for_openai


def for_openai(*messages, **body):
    return body_for_openai("openai", messages=list(messages), **body)


def test_every_protocol_of_an_upstream_has_a_package():
    assert set(PROTOCOLS) == KNOWN_PROTOCOLS


def test_anthropic_fetches_https_urls_itself_and_google_none():
    messages = [
        user([image("http://a.example/x"), image("https://a.example/y"), image(f"data:image/png;base64,{PNG}")])
    ]
    assert urls_for_anthropic(messages) == ["http://a.example/x"]
    assert urls_for_google(messages) == ["http://a.example/x", "https://a.example/y"]


@pytest.mark.parametrize("body_for", [for_anthropic, for_google])
@pytest.mark.parametrize(
    "message",
    [
        user([image("data:image/png,plain")]),
        user([image("")]),
        user([image("ftp://a.example/x")]),
        user([{"type": "file", "file": {"file_id": "file-1"}}]),
        {"role": "assistant", "tool_calls": [1]},
        {"role": "assistant", "tool_calls": "get_weather"},
        {"role": "assistant", "tool_calls": [{"id": "x"}]},
        {"role": "assistant", "content": "x", "reasoning_details": ["a"]},
    ],
)
def test_a_malformed_message_is_the_callers_error(body_for, message):
    with pytest.raises(InvalidRequest):
        body_for(message)


def test_an_unsupported_part_fails_this_provider_only():
    with pytest.raises(ProviderFailure) as refused:
        for_anthropic(user([{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}]))
    assert refused.value.status == 400
    with pytest.raises(ProviderFailure):
        for_google(user([{"type": "hologram"}]))


@pytest.mark.parametrize(("body_for", "turns"), [(for_anthropic, "messages"), (for_google, "contents")])
def test_the_results_of_tools_come_first_in_their_turn(body_for, turns):
    calls = [{**TOOL_CALL, "id": name} for name in ("call_1", "call_2")]
    body = body_for(
        user("Hi"),
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call_1", "content": "Rain"},
        user([image(f"data:image/png;base64,{PNG}")]),
        {"role": "tool", "tool_call_id": "call_2", "content": "Sun"},
    )
    turn = body[turns][2]
    parts = turn.get("content") or turn["parts"]
    assert ["result" in json.dumps(part) for part in parts] == [True, True, False]


@pytest.mark.parametrize("body_for", [for_anthropic, for_google])
def test_an_image_has_the_type_of_its_bytes(body_for):
    body = json.dumps(body_for(user([image(f"data:image/jpeg;base64,{PNG}")])))
    assert "image/png" in body and "image/jpeg" not in body


@pytest.mark.parametrize("body_for", [for_anthropic, for_google])
@pytest.mark.parametrize("media_type", ["image/svg+xml", "image/tiff"])
def test_an_image_that_the_provider_does_not_take_fails_this_provider_only(body_for, media_type):
    with pytest.raises(ProviderFailure) as refused:
        body_for(user([image(f"data:{media_type};base64,PHN2Zz4=")]))
    assert refused.value.status == 400
    assert media_type in refused.value.message and "image/png" in refused.value.message


@pytest.mark.parametrize("body_for", [for_anthropic, for_google, for_openai])
def test_the_allowed_tools_are_the_only_ones_that_are_sent(body_for):
    other = {"type": "function", "function": {"name": "look"}}

    def choice(mode, *names):
        listed = [{"type": "function", "function": {"name": name}} for name in names]
        return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": listed}}

    def sent(choice):
        body = body_for(user("Hi"), tools=[WEATHER, other], tool_choice=choice)
        return {name: body[name] for name in ("tools", "tool_choice", "toolConfig") if name in body}

    for mode in ("required", "auto"):
        assert sent(choice(mode, "look", "none")) == {
            **sent(mode), "tools": body_for(user("Hi"), tools=[other])["tools"],
        }  # fmt: skip
    assert sent(choice("auto", "none")) == {}
    with pytest.raises(InvalidRequest, match=r"\$.tool_choice.allowed_tools.mode"):
        sent(choice("never", "look"))
