"""Request bodies in Anthropic's and Google's protocols, without a network: what holds for both."""

import pytest

from common.errors import InvalidRequest
from gateway.providers import PROTOCOLS
from gateway.providers.anthropic.messages import urls_to_fetch as urls_for_anthropic
from gateway.providers.failures import ProviderFailure
from gateway.providers.google.messages import urls_to_fetch as urls_for_google
from gateway.routing.upstreams import KNOWN_PROTOCOLS
from tests.gateway.native import PNG, for_anthropic, for_google, image, user


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
