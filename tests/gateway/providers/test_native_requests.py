"""Requests in protocols of their own, without a network: what holds for all of them."""

import pytest

from common.errors import InvalidRequest
from gateway.providers import PROTOCOLS
from gateway.providers.anthropic.messages import urls_to_fetch as urls_for_anthropic
from gateway.providers.failures import ProviderFailure
from gateway.providers.google.messages import urls_to_fetch as urls_for_google
from gateway.routing.upstreams import KNOWN_PROTOCOLS
from tests.gateway.native import PNG, for_anthropic, for_google, image, user


def test_every_protocol_that_an_upstream_may_speak_is_known_here():
    assert set(PROTOCOLS) == KNOWN_PROTOCOLS


def test_only_addresses_without_encryption_are_fetched_for_anthropic():
    messages = [
        user([image("http://a.example/x"), image("https://a.example/y"), image(f"data:image/png;base64,{PNG}")])
    ]
    assert urls_for_anthropic(messages) == ["http://a.example/x"]
    assert urls_for_google(messages) == ["http://a.example/x", "https://a.example/y"]


@pytest.mark.parametrize("write", [for_anthropic, for_google])
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
def test_a_message_that_makes_no_sense_is_the_callers_mistake(write, message):
    with pytest.raises(InvalidRequest):
        write(message)


def test_what_a_provider_cannot_take_is_left_to_the_next():
    with pytest.raises(ProviderFailure) as refused:
        for_anthropic(user([{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}]))
    assert refused.value.status == 400
    with pytest.raises(ProviderFailure):
        for_google(user([{"type": "hologram"}]))
