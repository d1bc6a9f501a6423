"""Keeping what is made of days that are over, with and without a cache."""

from types import SimpleNamespace

import pytest
import redis
from django.core.cache import cache

from activity.sums import completed


@pytest.fixture
def made(account):
    """Make something twice; returns how often it was made."""

    def count(*abouts: str) -> int:
        times = 0

        def make() -> bytes:
            nonlocal times
            times += 1
            return b"sums"

        for about in abouts:
            days = completed.completed(account)
            assert completed.kept(account, days, (about,), make) == b"sums"
        return times

    return count


def test_it_is_made_once_for_each_name(made):
    assert made("a", "a", "b", "a") == 2


def test_what_is_too_large_is_made_again(made, monkeypatch):
    monkeypatch.setattr(completed, "MOST_BYTES", 1)
    assert made("a", "a") == 2


def test_an_account_has_so_many_places_in_the_cache_and_no_more(made, monkeypatch):
    places = set()

    def put(place: str, *args: object) -> None:
        places.add(place)
        cache.set(place, *args)

    monkeypatch.setattr(completed, "cache", SimpleNamespace(get_many=cache.get_many, set=put))
    assert made(*(str(each) for each in range(3 * completed.PLACES))) == 3 * completed.PLACES
    assert completed.PLACES / 2 < len(places) <= completed.PLACES
    assert made("new", "new") == 1


@pytest.mark.parametrize("name", ["get_many", "set"])
def test_without_a_cache_it_is_made_each_time(made, monkeypatch, name):
    def away(*args: object) -> None:
        raise redis.exceptions.ConnectionError

    monkeypatch.setattr(
        completed, "cache", SimpleNamespace(**{"get_many": cache.get_many, "set": cache.set, name: away})
    )
    assert made("a", "a") == 2
