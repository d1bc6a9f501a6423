"""Hints: heard in the process at once, never a burden for the one who gives them."""

import asyncio

from common.storage.hints import Hints
from tests.support.processes import wait_until


async def test_a_hint_is_heard_until_the_listener_is_canceled():
    hints, heard = Hints("test"), []
    hints.give({1})
    listening = asyncio.create_task(hints.hear(lambda numbers: heard.append(set(numbers))))
    await asyncio.sleep(0)  # it begins
    await asyncio.to_thread(hints.give, {2, 3})
    assert heard == [{2, 3}]
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    hints.give({4})
    assert heard == [{2, 3}]


def test_a_channel_layer_that_is_away_is_logged_once_and_fails_no_hint(settings, caplog, monkeypatch):
    monkeypatch.setattr("common.storage.hints.PAUSE_SECONDS", 0)
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},  # nothing listens there
        }
    }
    hints = Hints("test")
    hints.give({1})
    wait_until(lambda: "don't reach other processes" in caplog.text, "the failure to be logged")
    hints.give({2})
    wait_until(lambda: not hints._unsent, "the second attempt")
    assert caplog.text.count("don't reach other processes") == 1
