"""Values that one caller refreshes while the others use the last one."""

import threading

import pytest

from common.storage.fresh_cache import FreshCache


@pytest.fixture
def cache(clock) -> FreshCache[str, int]:
    return FreshCache(fresh_seconds=1.0, usable_seconds=3.0, max_size=3, clock=clock)


def test_an_unknown_value_is_read_by_every_caller(cache):
    assert cache.lookup("a") == (None, True)
    assert cache.lookup("a") == (None, True)


def test_a_fresh_value_needs_no_refresh(cache, clock):
    cache.put("a", 1, read_at=cache.now())
    clock.now += 0.99
    assert cache.lookup("a") == (1, False)


def test_a_stale_value_is_refreshed_by_one_caller(cache, clock):
    cache.put("a", 1, read_at=cache.now())
    clock.now += 1
    assert [cache.lookup("a") for _ in range(3)] == [(1, True), (1, False), (1, False)]


def test_a_refresh_that_failed_is_tried_again_after_the_fresh_time(cache, clock):
    cache.put("a", 1, read_at=cache.now())
    clock.now += 1
    assert cache.lookup("a") == (1, True)
    clock.now += 1
    assert cache.lookup("a") == (1, True)


def test_a_value_that_is_too_old_is_not_used(cache, clock):
    cache.put("a", 1, read_at=cache.now())
    clock.now += 3
    assert cache.lookup("a") == (None, True)


def test_age_counts_from_the_moment_before_the_value_was_read(cache, clock):
    read_at = cache.now()
    clock.now += 0.9  # a slow query
    cache.put("a", 1, read_at=read_at)
    clock.now += 0.1
    assert cache.lookup("a") == (1, True)


def test_a_lifetime_shortens_both_times(cache, clock):
    cache.put("a", 1, read_at=cache.now(), lifetime=0.5)
    clock.now += 0.5
    assert cache.lookup("a") == (None, True)


def test_without_a_usable_time_the_last_value_stays(clock):
    cache: FreshCache[None, int] = FreshCache(fresh_seconds=2.0, clock=clock)
    cache.put(None, 1, read_at=cache.now())
    clock.now += 1_000_000
    assert [cache.lookup(None) for _ in range(2)] == [(1, True), (1, False)]


def test_the_oldest_value_makes_room(cache):
    for number, key in enumerate("abc"):
        cache.put(key, number, read_at=cache.now())
    cache.put("a", 9, read_at=cache.now())
    cache.put("d", 3, read_at=cache.now())
    assert [cache.lookup(key)[0] for key in "abcd"] == [9, None, 2, 3]


def test_values_are_removed_one_by_one_or_all_at_once(cache):
    for key in "ab":
        cache.put(key, 1, read_at=cache.now())
    cache.discard("a")
    cache.discard("unknown")
    assert (cache.lookup("a")[0], cache.lookup("b")[0]) == (None, 1)
    cache.clear()
    assert cache.lookup("b")[0] is None


@pytest.mark.parametrize("remove", [lambda cache: cache.discard("a"), lambda cache: cache.clear()])
def test_a_value_read_before_the_removal_is_not_kept_after_it(cache, clock, remove):
    read_at = cache.now()
    clock.now += 0.1
    remove(cache)
    cache.put("a", 1, read_at=read_at)
    assert cache.lookup("a") == (None, True)
    cache.put("a", 2, read_at=cache.now())
    assert cache.lookup("a") == (2, False)


def test_peek_returns_a_value_of_any_age_and_starts_no_refresh(cache, clock):
    assert cache.peek("a") is None
    cache.put("a", 1, read_at=cache.now())
    clock.now += 1
    assert cache.peek("a") == 1
    assert cache.lookup("a") == (1, True)
    clock.now += 100
    assert cache.peek("a") == 1


def test_of_many_threads_one_refreshes(cache, clock):
    cache.put("a", 1, read_at=cache.now())
    clock.now += 1
    start, refreshing = threading.Barrier(8), []

    def look() -> None:
        start.wait()
        if cache.lookup("a")[1]:
            refreshing.append(1)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refreshing) == 1
