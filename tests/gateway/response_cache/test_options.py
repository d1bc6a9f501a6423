"""Requests that use the response cache, and the time for which their responses are kept."""

import pytest

from gateway.response_cache import CacheOptions, requested


def ask(
    enabled: str | None = "true", ttl: str | None = None, clear: str | None = None, **preset
) -> CacheOptions | None:
    given = {"x-openrouter-cache": enabled, "x-openrouter-cache-ttl": ttl, "x-openrouter-cache-clear": clear}
    return requested({name: value for name, value in given.items() if value is not None}, **preset)


@pytest.mark.parametrize(
    ("header", "preset", "used"),
    [
        (None, None, False),
        ("true", None, True),
        (" TRUE ", None, True),
        ("false", None, False),
        ("perhaps", None, False),
        ("", None, False),
        (None, True, True),
        ("false", True, False),
        ("perhaps", True, True),
        (None, False, False),
        ("true", False, False),
    ],
)
def test_the_preset_can_forbid_and_the_header_decides_otherwise(header, preset, used):
    assert (ask(header, preset_enabled=preset) is not None) is used


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 300),
        ("60", 60),
        ("60abc", 60),
        ("1.5", 1),
        (" 7 ", 7),
        ("+8", 8),
        ("0", 1),
        ("-5", 1),
        ("0060", 60),
        ("86400", 86_400),
        ("86401", 86_400),
        ("9" * 5000, 86_400),
        ("0" * 5000 + "9", 9),
        ("abc", 300),
        ("", 300),
        ("٣", 300),  # a digit, but not an ASCII one
    ],
)
def test_the_ttl_is_the_integer_that_the_header_begins_with(header, seconds):
    options = ask(ttl=header)
    assert options is not None
    assert options.ttl == seconds


@pytest.mark.parametrize(
    ("header", "preset", "seconds"),
    [(None, 60, 60), ("30", 60, 30), ("abc", 60, 60), (None, 0, 1), (None, 10**9, 86_400)],
)
def test_the_headers_ttl_comes_before_the_presets(header, preset, seconds):
    options = ask(ttl=header, preset_ttl=preset)
    assert options is not None
    assert options.ttl == seconds


@pytest.mark.parametrize(("header", "clears"), [(None, False), ("true", True), ("True", True), ("1", False)])
def test_clearing_is_asked_for_by_the_word_true(header, clears):
    options = ask(clear=header)
    assert options is not None
    assert options.clears is clears


def test_clearing_alone_does_not_use_the_cache():
    assert ask(None, clear="true") is None
