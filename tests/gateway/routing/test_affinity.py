"""A conversation returns to the endpoint that has its prompt cached."""

import pytest
from asgiref.sync import sync_to_async

from gateway.events import Usage
from gateway.protocols.chat_completions.request import parse
from gateway.routing.affinity import IDLE_SECONDS, Conversation, StickyEndpoints, sticky_endpoints
from models_catalog.catalog import Prices
from tests.gateway import factory
from tests.gateway.routing.examples import endpoint

PRICES = factory.CHEAP | {"input_cache_read": "0.0000001"}
CACHED = {"X-Sandbox-Usage": "prompt=1000,completion=5,cached=900", "X-Sandbox-Dialect": "plain"}
PLAIN = {"X-Sandbox-Usage": "prompt=1000,completion=5", "X-Sandbox-Dialect": "plain"}
CHAT = [{"role": "system", "content": "You are a lawyer."}, {"role": "user", "content": "May I?"}]

#: An endpoint whose cache is worth returning to, and the usage of a request that used it.
CACHES = endpoint("a", "2", prices=Prices(prompt=2, completion=2, input_cache_read=1))
HIT = Usage(prompt_tokens=1000, completion_tokens=5, cached_tokens=900)


def conversation(sticky: StickyEndpoints, account_id: int = 1, text: str = "May I?") -> Conversation:
    return Conversation(account_id, parse({"model": "acme/one", "prompt": text}), sticky)


@pytest.fixture
async def ask(api):
    """Sends requests for `acme/cached`, which two providers serve at one price: each is drawn equally often."""
    model = await sync_to_async(factory.model)("acme/cached")
    for provider in ("cheap", "dear"):
        await sync_to_async(factory.endpoint)(model, provider, PRICES)

    async def ask(messages=CHAT, headers=PLAIN, **body) -> str:
        """The provider that served the request."""
        response = await api.post(json={"model": "acme/cached", "messages": messages, **body}, headers=headers)
        assert response.status_code == 200, response.text
        return response.json()["provider"]

    return ask


async def providers(ask, times: int = 10, **asked) -> set[str]:
    return {await ask(**asked) for _ in range(times)}


async def test_after_a_cache_hit_the_conversation_returns(ask, api):
    await ask(headers=CACHED, provider={"only": ["dear"]})
    later = [*CHAT, {"role": "assistant", "content": "You may."}, {"role": "user", "content": "Thanks."}]
    assert await providers(ask, messages=later) == {"Dear"}
    assert (await api.generation()).attempts[0]["reason"] == "prompt cache"
    other = [{"role": "user", "content": "Something else"}]
    assert await providers(ask, 24, messages=other) == {"Cheap", "Dear"}


async def test_without_a_cache_hit_only_a_session_returns(ask):
    await ask(provider={"only": ["dear"]})
    assert await providers(ask, 24) == {"Cheap", "Dear"}
    await ask(provider={"only": ["dear"]}, session_id="one")
    assert await providers(ask, session_id="one", messages=[{"role": "user", "content": "Later"}]) == {"Dear"}
    assert await providers(ask, headers=PLAIN | {"X-Session-Id": "one"}) == {"Dear"}
    assert await providers(ask, 24, session_id="two") <= {"Cheap", "Dear"}


async def test_the_requests_order_and_failures_override_affinity(ask):
    await ask(headers=CACHED, provider={"only": ["dear"]})
    assert await ask(provider={"order": ["cheap"]}) == "Cheap"
    assert await ask(headers=PLAIN | {"X-Sandbox-Fault": "dear=503"}) == "Cheap"
    assert await ask() == "Cheap"  # it has just failed


async def test_no_text_of_a_prompt_is_stored(ask):
    await ask(headers=CACHED, provider={"only": ["dear"]})
    stored = repr(vars(sticky_endpoints))
    assert "dear" in stored
    assert "lawyer" not in stored


def test_an_idle_conversation_is_forgotten_after_ten_minutes():
    now = [1000.0]
    sticky = StickyEndpoints(clock=lambda: now[0])
    conversation(sticky).succeeded("acme/one", CACHES, HIT)
    now[0] += IDLE_SECONDS - 1
    assert conversation(sticky).sticky_endpoint("acme/one") == "a"
    now[0] += 1
    assert conversation(sticky).sticky_endpoint("acme/one") == ""


def test_the_same_words_of_another_account_are_another_conversation():
    sticky = StickyEndpoints()
    conversation(sticky, account_id=1).succeeded("acme/one", CACHES, HIT)
    assert conversation(sticky, account_id=1).sticky_endpoint("acme/one") == "a"
    assert conversation(sticky, account_id=1).sticky_endpoint("acme/two") == ""
    assert conversation(sticky, account_id=2).sticky_endpoint("acme/one") == ""


def test_the_conversation_that_was_idle_for_longest_makes_room():
    sticky = StickyEndpoints(capacity=2)
    for text in ("one", "two", "one", "three"):
        conversation(sticky, text=text).succeeded("acme/one", CACHES, HIT)
    assert len(sticky) == 2
    assert [conversation(sticky, text=text).sticky_endpoint("acme/one") for text in ("one", "two", "three")] == [
        "a", "", "a",
    ]  # fmt: skip
