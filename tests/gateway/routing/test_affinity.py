"""A conversation stays at the endpoint that has its prompt in its cache."""

import time

import pytest
from asgiref.sync import sync_to_async

from gateway.routing import affinity
from tests.gateway import factory

PRICES = factory.CHEAP | {"input_cache_read": "0.0000001"}
CACHED = {"X-Sandbox-Usage": "prompt=1000,completion=5,cached=900", "X-Sandbox-Dialect": "plain"}
PLAIN = {"X-Sandbox-Usage": "prompt=1000,completion=5", "X-Sandbox-Dialect": "plain"}
CHAT = [{"role": "system", "content": "You are a lawyer."}, {"role": "user", "content": "May I?"}]


@pytest.fixture
async def ask(api):
    """Asks `acme/cached`, which two providers serve at one price: without a home each is drawn as often."""
    model = await sync_to_async(factory.model)("acme/cached")
    for provider in ("cheap", "dear"):
        await sync_to_async(factory.endpoint)(model, provider, PRICES)

    async def ask(messages=CHAT, headers=PLAIN, **body) -> str:
        answer = await api.post(json={"model": "acme/cached", "messages": messages, **body}, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()["provider"]

    return ask


async def answered_by(ask, times: int = 10, **asked) -> set[str]:
    return {await ask(**asked) for _ in range(times)}


async def test_after_a_hit_the_conversation_comes_back(ask, api):
    await ask(headers=CACHED, provider={"only": ["dear"]})
    later = [*CHAT, {"role": "assistant", "content": "You may."}, {"role": "user", "content": "Thanks."}]
    assert await answered_by(ask, messages=later) == {"Dear"}
    assert (await api.generation()).attempts[0]["reason"] == "prompt cache"
    other = [{"role": "user", "content": "Something else"}]
    assert await answered_by(ask, 24, messages=other) == {"Cheap", "Dear"}


async def test_without_a_hit_it_goes_anywhere_unless_it_is_a_session(ask):
    await ask(provider={"only": ["dear"]})
    assert await answered_by(ask, 24) == {"Cheap", "Dear"}
    await ask(provider={"only": ["dear"]}, session_id="one")
    assert await answered_by(ask, session_id="one", messages=[{"role": "user", "content": "Later"}]) == {"Dear"}
    assert await answered_by(ask, headers=PLAIN | {"X-Session-Id": "one"}) == {"Dear"}
    assert await answered_by(ask, 24, session_id="two") <= {"Cheap", "Dear"}


async def test_the_callers_order_and_failures_are_stronger(ask):
    await ask(headers=CACHED, provider={"only": ["dear"]})
    assert await ask(provider={"order": ["cheap"]}) == "Cheap"
    assert await ask(headers=PLAIN | {"X-Sandbox-Fault": "dear=503"}) == "Cheap"
    assert await ask() == "Cheap"  # it has just failed


async def test_it_is_forgotten_after_ten_minutes_and_holds_no_prompt(ask, monkeypatch):
    await ask(headers=CACHED, provider={"only": ["dear"]})
    assert "lawyer" not in repr(affinity._remembered)
    now = time.monotonic()
    monkeypatch.setattr(affinity.time, "monotonic", lambda: now + 601)
    assert await answered_by(ask, 24) == {"Cheap", "Dear"}


async def test_another_accounts_conversation_is_another():
    from gateway.protocols.chat_completions.request import parse

    request = parse({"model": "acme/cached", "messages": CHAT})
    assert affinity.Conversation(1, request)._name != affinity.Conversation(2, request)._name
    assert affinity.Conversation(1, request)._name == affinity.Conversation(1, request)._name


async def test_no_more_conversations_are_remembered_than_memory_has_room_for(ask, monkeypatch):
    monkeypatch.setattr(affinity, "MOST", 2)
    for number in range(4):
        await ask(messages=[{"role": "user", "content": f"Chat {number}"}], headers=CACHED)
    assert len(affinity._remembered) == 2
