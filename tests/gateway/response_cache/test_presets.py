"""Presets that turn the response cache on or off."""

import pytest
from asgiref.sync import sync_to_async

from presets import lookup, saving
from presets.content import Content
from tests.gateway.test_presets import CONFIG, preset_of

HI = {"messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture(autouse=True)
def _no_presets_in_memory() -> None:
    lookup.in_use.clear()


@pytest.mark.parametrize(
    ("config", "headers", "status"),
    [
        ({"cache_enabled": True}, {}, "MISS"),
        ({"cache_enabled": True}, {"X-OpenRouter-Cache": "false"}, None),
        ({"cache_enabled": False}, {"X-OpenRouter-Cache": "true"}, None),
        ({}, {"X-OpenRouter-Cache": "true"}, "MISS"),
        ({}, {}, None),
    ],
)
async def test_a_preset_turns_the_cache_on_or_forbids_it(api, config, headers, status):
    await preset_of(api, **CONFIG, **config)
    response = await api.post(json={"model": "@preset/support", **HI}, headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers.get("x-openrouter-cache-status") == status


async def test_the_ttl_of_a_preset_and_a_new_version_of_it(api):
    preset = await preset_of(api, **CONFIG, cache_enabled=True, cache_ttl_seconds=60)
    ask = {"model": "@preset/support", **HI}
    first = await api.post(json=ask)
    assert first.headers["x-openrouter-cache-ttl"] == "60"
    assert (await api.post(json=ask)).headers["x-openrouter-cache-status"] == "HIT"
    changed = Content(system_prompt="Answer in prose.", config={**CONFIG, "cache_enabled": True})
    await sync_to_async(saving.save)(preset, None, changed)
    again = await api.post(json=ask)
    assert again.headers["x-openrouter-cache-status"] == "MISS"
    assert again.headers["x-openrouter-cache-ttl"] == "300"
