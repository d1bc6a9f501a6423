"""Requests with a preset, in every protocol: what reaches the provider, and what is written down."""

from typing import Any

import msgspec
import pytest
from asgiref.sync import sync_to_async

from accounts.models import Organisation
from gateway.protocols.chat_completions.request import ChatRequest, parse
from gateway.steps.presets import with_preset
from presets import lookup, saving
from presets.content import Content
from presets.models import Preset, PresetVersion

PROMPT = "Always answer in verse about heronsaddle."


@pytest.fixture(autouse=True)
def _no_presets_in_memory() -> None:
    lookup.in_use.clear()


async def preset_of(api: Any, slug: str = "support", system_prompt: str = PROMPT, **config: Any) -> Preset:
    account = await api.account()
    content = Content(system_prompt=system_prompt, config=config)
    return await sync_to_async(_create)(account.organisation_id, slug, content)


def _create(organisation_id: int, slug: str, content: Content) -> Preset:
    organisation = Organisation.objects.get(pk=organisation_id)
    return saving.create(organisation, None, slug=slug, name=slug.title(), content=content)


CONFIG: dict[str, Any] = {"model": "acme/one", "temperature": 0.25, "max_tokens": 77, "provider": {"sort": "price"}}


@pytest.mark.parametrize(
    "path, body",
    [
        ("/chat/completions", {"model": "@preset/support", "messages": [{"role": "user", "content": "Hi"}]}),
        ("/chat/completions", {"preset": "support", "messages": [{"role": "user", "content": "Hi"}], "stream": True}),
        ("/completions", {"model": "@preset/support", "prompt": "Hi"}),
        ("/messages", {"model": "acme/one@preset/support", "messages": [{"role": "user", "content": "Hi"}]}),
        ("/messages", {"preset": "support", "messages": [{"role": "user", "content": "Hi"}]}),
    ],
)
async def test_a_preset_is_part_of_a_request_in_every_protocol(api, path, body):
    preset = await preset_of(api, **CONFIG)
    response = await api.post(path, json=body)
    assert response.status_code == 200, response.text
    row = await api.generation()
    assert row.preset_version_id == preset.designated_version_id
    assert row.model == "acme/one"
    (received,) = await api.received()
    sent = received["body"]
    assert sent["temperature"] == 0.25
    assert sent.get("max_tokens", sent.get("max_completion_tokens")) == 77
    assert sent["messages"][0] == {"role": "system", "content": PROMPT}
    assert "preset" not in sent and not any("@preset" in str(value) for value in sent.values())
    await api.assert_books_balance()


async def test_fields_of_the_request_win_and_its_system_message_follows(api):
    await preset_of(api, **CONFIG)
    messages = [{"role": "system", "content": "Use German."}, {"role": "user", "content": "Hi"}]
    body = {"model": "@preset/support", "messages": messages, "temperature": 1, "max_completion_tokens": 9}
    assert (await api.post(json=body)).status_code == 200
    sent = (await api.received())[0]["body"]
    assert sent["temperature"] == 1
    assert {sent.get("max_tokens"), sent.get("max_completion_tokens")} <= {9, None}
    assert [message["role"] for message in sent["messages"]] == ["system", "system", "user"]
    assert sent["messages"][0]["content"] == PROMPT


async def test_reasoning_that_a_preset_excludes_is_not_in_the_response(api):
    await preset_of(api, **CONFIG, reasoning={"exclude": True})
    body = {"model": "@preset/support", "messages": [{"role": "user", "content": "Hi"}]}
    message = (await api.post(json=body)).json()["choices"][0]["message"]
    assert not message.get("reasoning")


async def test_what_a_protocol_has_added_to_a_request_is_kept(api):
    await preset_of(api, **CONFIG, cache_enabled=True)
    request = parse({"preset": "support", "messages": [{"role": "user", "content": "Hi"}]})
    organisation_id = (await api.account()).organisation_id
    with_extra = msgspec.structs.replace(request, session_id="s", preset=None)
    merged = await with_preset(organisation_id, with_extra)
    assert (merged.max_tokens, merged.preset.slug, merged.preset.version) == (77, "support", 1)
    assert (merged.preset.cache_enabled, merged.preset.cache_ttl_seconds) == (True, None)
    assert merged.session_id == "s"
    assert merged.body["messages"] == merged.messages != request.messages
    plain = parse({"model": "acme/one", "messages": [{"role": "user", "content": "Hi"}]})
    assert await with_preset(organisation_id, plain) is plain


async def test_a_request_of_another_task_takes_models_and_provider_preferences_only(api):
    class Embedding(ChatRequest, frozen=True, kw_only=True):
        """As requests of other tasks are made."""

    await preset_of(api, **CONFIG)
    chat = parse({"preset": "support", "prompt": "Hi"})
    request = Embedding(**msgspec.structs.asdict(chat) | {"body": {"preset": "support", "input": "Hi"}})
    merged = await with_preset((await api.account()).organisation_id, request)
    assert type(merged) is Embedding
    assert merged.body == {"model": "acme/one", "provider": {"sort": "price"}, "input": "Hi"}
    assert (merged.model, merged.provider.sort, merged.messages) == ("acme/one", "price", chat.messages)


async def test_counting_tokens_counts_the_system_prompt(api):
    await preset_of(api, **CONFIG)
    body = {"model": "acme/one", "messages": [{"role": "user", "content": "Hi"}]}
    plain = (await api.post("/messages/count_tokens", json=body)).json()["input_tokens"]
    with_preset = await api.post("/messages/count_tokens", json={**body, "preset": "support"})
    assert with_preset.json()["input_tokens"] > plain


async def test_an_unknown_preset_is_404_and_says_where_to_create_it(api):
    for body in ({"model": "@preset/nowhere"}, {"preset": "nowhere"}, {"model": "@preset/"}, {"preset": ""}):
        response = await api.post(json={**body, "messages": [{"role": "user", "content": "Hi"}]})
        assert response.status_code == 404, body
        assert "/settings/presets" in response.json()["error"]["message"]
    response = await api.post("/messages", json={"preset": "x\0", "messages": [{"role": "user", "content": "Hi"}]})
    assert (response.status_code, response.json()["type"]) == (404, "error")


async def test_a_preset_of_another_account_does_not_exist(api, charlie):
    other = charlie.personal_organisation
    await sync_to_async(_create)(other.pk, "theirs", Content(system_prompt=PROMPT, config=CONFIG))
    response = await api.chat(model="@preset/theirs")
    assert response.status_code == 404
    assert await api.received() == []


async def test_disabled_and_archived_presets_are_refused_with_the_remedy_at_once(api):
    preset = await preset_of(api, **CONFIG)
    assert (await api.chat(model="@preset/support")).status_code == 200
    for status, code, remedy in [("disabled", 400, "Enable it at"), ("archived", 404, "Restore it at")]:
        await sync_to_async(saving.switch)(preset, Preset.Status(status))
        response = await api.chat(model="@preset/support")
        message = response.json()["error"]["message"]
        assert (response.status_code, remedy in message) == (code, True), message
        assert message.endswith("/settings/presets/support")
    await sync_to_async(saving.switch)(preset, Preset.Status.ACTIVE)
    assert (await api.chat(model="@preset/support")).status_code == 200


async def test_a_new_version_and_a_roll_back_take_effect_at_once(api):
    preset = await preset_of(api, **CONFIG)
    first = preset.designated_version

    async def temperature() -> float:
        assert (await api.chat(model="@preset/support")).status_code == 200
        return (await api.received())[-1]["body"]["temperature"]

    assert await temperature() == 0.25
    content = Content(system_prompt=PROMPT, config={**CONFIG, "temperature": 0.5})
    saved = await sync_to_async(saving.save)(preset, None, content)
    assert await temperature() == 0.5
    assert (await api.generation()).preset_version_id == saved.designated_version_id != first.pk
    await sync_to_async(saving.designate)(saved, first)
    assert await temperature() == 0.25


async def test_a_preset_that_can_no_longer_be_decrypted_says_so(api):
    preset = await preset_of(api, **CONFIG)
    await PresetVersion.objects.filter(preset=preset).aupdate(content="damaged")
    response = await api.chat(model="@preset/support")
    assert response.status_code == 410
    assert "can no longer decrypt" in response.json()["error"]["message"]
