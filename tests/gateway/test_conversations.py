"""Without coordination, all processes send a conversation to the same endpoint, and conversations spread by price."""

import json
import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from math import isclose

import pytest

from gateway.protocols.chat_completions.request import parse
from gateway.routing.affinity import Conversation
from gateway.routing.health import EndpointHealth
from models_catalog.catalog import Prices
from tests.gateway.routing.examples import catalogue, endpoint, known, model, plan, tags

LONG = "All men are mortal. " * 300


def cached(tag: str, price: str):
    usd = Decimal(price) / 1_000_000
    return endpoint(tag, price, prices=Prices(usd, usd, input_cache_read=usd / 10))


THREE = catalogue(model("acme/one", cached("a", "1"), cached("b", "2"), cached("c", "3")))


def first_choice(number: int, *, tokens: int = 2000, health=None, **asked) -> str:
    """The first endpoint for the conversation with that number."""
    messages = [{"role": "system", "content": LONG}, {"role": "user", "content": f"Question {number}"}]
    request = parse({"model": "acme/one", "messages": messages} | asked)
    draw = Conversation(1, request).stable_draw(tokens)
    return tags(plan(THREE, draw=draw, seed=number, health=health, messages=messages))[0]


def test_every_process_draws_the_same_endpoint_for_a_conversation():
    script = (
        "import json, django; django.setup()\n"
        "from tests.gateway.test_conversations import first_choice\n"
        "print(json.dumps([first_choice(number) for number in range(60)]))"
    )
    processes = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        processes.append(subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE))
    drawn = [json.loads(process.communicate()[0]) for process in processes]
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) == {"a", "b", "c"}


def test_conversations_spread_by_the_inverse_square_of_the_price():
    first = Counter(first_choice(number) for number in range(4000))
    assert first["a"] / first["c"] == pytest.approx(9, rel=0.25)
    assert first["a"] / first["b"] == pytest.approx(4, rel=0.2)


def test_when_an_endpoint_drops_out_only_its_own_conversations_move():
    down = known(a=EndpointHealth(uptime=10.0))
    before = [first_choice(number) for number in range(300)]
    after = [first_choice(number, health=down) for number in range(300)]
    assert {now for was, now in zip(before, after, strict=True) if was == "a"} == {"b", "c"}
    assert all(was == now for was, now in zip(before, after, strict=True) if was != "a")


def test_later_turns_go_to_the_same_endpoint_as_the_first():
    first = [{"role": "user", "content": LONG}]
    turns = [first, [*first, {"role": "assistant", "content": "So?"}, {"role": "user", "content": "Am I?"}]]
    draws = [Conversation(1, parse({"messages": messages})).stable_draw(2000) for messages in turns]
    assert draws[0] and draws[1] and draws[0]("a") == draws[1]("a")


def test_a_short_prompt_without_a_name_has_no_stable_draw():
    request = parse({"messages": [{"role": "user", "content": "Hello"}]})
    assert Conversation(1, request).stable_draw(10) is None
    assert Conversation(1, parse({**request.body, "session_id": "one"})).stable_draw(10) is not None
    assert Conversation(1, parse({**request.body, "prompt_cache_key": "one"})).stable_draw(10) is not None


def test_accounts_draw_independently():
    request = parse({"messages": [{"role": "user", "content": LONG}]})
    drawn = [Conversation(account, request).stable_draw(2000)("a") for account in range(100)]
    assert len(set(drawn)) == 100 and all(0 < one <= 1 for one in drawn)
    assert isclose(sum(drawn) / 100, 0.5, abs_tol=0.15)


def test_a_session_keeps_the_model_that_a_router_chose_for_it():
    free = [model(f"acme/{number}:free", endpoint("a", "0")) for number in range(20)]

    def chosen(session: str, seed: int) -> list[str]:
        draw = Conversation(1, parse({"prompt": "Hi", "session_id": session})).stable_draw(1) if session else None
        made = plan(catalogue(*free), model="openrouter/free", draw=draw, seed=seed)
        return [attempt.model.id for attempt in made.attempts]

    assert chosen("one", 1) == chosen("one", 2)
    assert len({chosen(f"session {number}", 1)[0] for number in range(100)}) > 10
    assert len({chosen("", seed)[0] for seed in range(100)}) > 10


def test_without_a_cache_at_any_endpoint_every_request_is_drawn_anew():
    draw = Conversation(1, parse({"prompt": "Hi", "session_id": "one"})).stable_draw(1)
    assert len({tags(plan(draw=draw, seed=seed))[0] for seed in range(50)}) > 1
