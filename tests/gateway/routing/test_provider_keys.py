"""The choice among a provider's keys: by weight, past those that are cooling down."""

from collections import Counter
from datetime import timedelta

import pytest

from common.clock import utc_now
from gateway.routing.provider_keys import Key, KeyRing
from gateway.routing.upstreams import Upstream
from models_catalog.models import ProviderKey
from tests.gateway import factory

ONE, TWO, THREE = Key(1, "secret-1"), Key(2, "secret-2"), Key(3, "secret-3", weight=8)


@pytest.fixture
def ring(clock) -> KeyRing:
    return KeyRing()


def chosen(ring: KeyRing, *keys: Key, model: str = "one", **options) -> int | None:
    key = ring.choose("acme", keys, model, **options)
    return key.id if key else None


def test_keys_are_drawn_by_their_weights(ring):
    counts = Counter(chosen(ring, ONE, TWO, THREE) for _ in range(2000))
    assert counts[3] > 1400 and counts[1] > 100 and counts[2] > 100


def test_a_conversation_stays_at_one_key_and_moves_only_when_its_key_drops_out(ring):
    def draws(number: int):
        return lambda name: ((hash((number, name)) % 9973) + 1) / 9974

    by_conversation = {number: chosen(ring, ONE, TWO, THREE, draw=draws(number)) for number in range(200)}
    assert Counter(by_conversation.values())[3] > 120
    for number, key in by_conversation.items():
        assert chosen(ring, ONE, TWO, THREE, draw=draws(number)) == key
        without_one = chosen(ring, TWO, THREE, draw=draws(number))
        assert without_one == key or key == 1


def test_a_rate_limited_key_is_skipped_until_its_time_is_over(ring, clock):
    ring.refused("acme", 1, "one", 429, retry_after=20)
    assert {chosen(ring, ONE, TWO) for _ in range(50)} == {2}
    assert chosen(ring, ONE, TWO, model="other") == 2
    clock.now += 19.9
    assert {chosen(ring, ONE, TWO) for _ in range(50)} == {2}
    clock.now += 0.1
    assert {chosen(ring, ONE, TWO) for _ in range(50)} == {1, 2}


def test_another_provider_is_not_affected(ring):
    ring.refused("other", 0, "one", 429, retry_after=20)
    assert chosen(ring, Key(0, "a")) == 0


def test_when_every_key_waits_by_the_providers_word_none_is_used_for_that_model(ring, clock):
    ring.refused("acme", 1, "one", 429, retry_after=20)
    ring.refused("acme", 2, "one", 429, retry_after=8)
    assert chosen(ring, ONE, TWO) is None
    assert ring.seconds_until_due("acme", (ONE, TWO)) == 8
    assert chosen(ring, ONE, TWO, model="another") == 2  # limits are often of one model: the key due first tries
    clock.now += 8
    assert chosen(ring, ONE, TWO) == 2
    assert ring.seconds_until_due("acme", (ONE, TWO)) == 0


def test_without_a_time_from_the_provider_the_only_key_is_used_all_the_same(ring):
    ring.refused("acme", 1, "one", 429, retry_after=None)
    assert chosen(ring, ONE) == 1
    assert chosen(ring, ONE, TWO) == 2


def test_a_shorter_time_does_not_end_a_longer_one(ring, clock):
    ring.refused("acme", 1, "one", 429, retry_after=60)
    ring.refused("acme", 1, "one", 429, retry_after=1)
    clock.now += 30
    assert chosen(ring, ONE) is None


@pytest.mark.django_db
def test_processes_learn_each_others_cool_downs_with_the_heartbeat(ring, clock):
    provider = factory.provider("acme")
    row = ProviderKey(provider=provider)
    row.set_secret("sk-a-secret-of-acme")
    row.save()
    other = KeyRing()
    other.refused("acme", row.pk, "one", 429, retry_after=40)
    clock.now += 5
    other.sync("other process", utc_now())
    row.refresh_from_db()
    assert row.last_status == 429 and row.cooling_model == "one"
    assert row.cooling_until - utc_now() == timedelta(seconds=35)

    ring.sync("this process", utc_now())
    assert chosen(ring, Key(row.pk, "a"), TWO) == 2
    clock.now += 35
    assert {chosen(ring, Key(row.pk, "a"), TWO) for _ in range(50)} == {row.pk, 2}


def test_no_secret_is_in_a_repr():
    upstream = Upstream("https://acme.example/v1", "secret-0", False, others=(ONE, TWO))
    assert "secret" not in f"{upstream!r} {upstream} {ONE!r} {upstream.keys}"
