"""How endpoints are asked, and how long they may stay silent."""

import pytest

from gateway.protocols.chat_completions.request import parse
from gateway.providers.patience import Patience, patience
from gateway.routing.health import EndpointHealth, Health
from gateway.routing.plan import Attempt
from gateway.routing.upstreams import Upstream
from tests.gateway.routing.examples import endpoint, model


def asked(provider="deepseek", *, protocol="openai_chat", p99=None, max_tokens=None, is_last=False, **body) -> Patience:
    """The patience with an endpoint of a reasoning model whose slow responses took `p99` seconds."""
    served = endpoint(provider, "1", supported_parameters=frozenset({"reasoning"}))
    upstream = Upstream("https://example.com", "key", simulated=False, protocol=protocol)
    attempt = Attempt(model("acme/one", served), served, upstream, "")
    health = Health({} if p99 is None else {attempt.key: EndpointHealth(latency={"p99": p99 * 1000})})
    request = parse({"model": "acme/one", "messages": [{"role": "user", "content": "Hi"}], **body})
    return patience(request, attempt, max_tokens, lambda: health, is_last=is_last)


def test_callers_that_stream_get_a_stream_with_the_limit_for_a_first_token():
    assert asked(stream=True) == asked(stream=True, is_last=True) == asked("openai", stream=True) == (True, 60)


def test_a_stream_that_is_gathered_has_the_limit_for_a_first_token_unless_it_is_the_last():
    assert asked() == asked(max_tokens=257) == asked("anthropic", protocol="anthropic") == (True, 60)
    assert asked(is_last=True) == (True, 300)


def test_a_short_response_has_the_limit_for_a_first_token_too():
    assert asked(max_tokens=256) == (False, 60)
    assert asked(max_tokens=256, is_last=True) == (False, 300)


@pytest.mark.parametrize(("p99", "seconds"), [(None, 180), (1, 60), (20, 60), (40, 120), (99, 297), (200, 300)])
def test_reasoning_unseen_may_take_three_times_as_long_as_the_endpoints_slow_responses(p99, seconds):
    streamed, limit = asked("openai", p99=p99)
    assert not streamed
    assert limit == pytest.approx(seconds)
    assert asked("openai", p99=p99, is_last=True) == (False, 300)


def test_reasoning_is_unseen_where_the_provider_or_the_request_leaves_it_out():
    hidden = {"reasoning": {"exclude": True}}
    assert [asked(name).streamed for name in ("openai", "azure", "xai", "deepseek")] == [False, False, False, True]
    assert not asked("google-ai-studio", protocol="google", **hidden).streamed
    assert asked("deepseek", **hidden).streamed


def test_images_and_sound_are_asked_for_in_one_piece():
    assert asked(modalities=["image", "text"]) == (False, 180)
    assert asked(modalities=["text"]) == (True, 60)


def test_no_limit_is_above_the_one_for_a_whole_response(settings):
    settings.PROVIDER_WHOLE_SECONDS = 20
    assert asked().seconds == asked("openai").seconds == asked(is_last=True).seconds == 20
