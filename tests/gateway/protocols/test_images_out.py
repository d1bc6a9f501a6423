"""Images in responses: asked for, whole and streamed, and what they cost."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from sandbox.providers import picture
from sandbox.providers.picture import IMAGE_TOKENS
from tests.gateway import factory
from tests.gateway.factory import usd
from tests.gateway.native import GOOGLE
from tests.gateway.protocols.test_chat_completions import events_of
from tests.wire import check

PAINTER = "acme/painter"
IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture.IMAGE}"}}
PRICES = factory.CHEAP | {"image_output": "0.04"}
BOTH = {"modalities": ["text", "image"]}


@pytest.fixture(params=["cheap", GOOGLE.slug])
async def painter(request: Any, api: Any, monkeypatch: Any) -> Any:
    """Alice's client, with a model that draws: at a provider with OpenAI's protocol, and at Google with its own."""
    if request.param == GOOGLE.slug:
        sandbox = api.headers["X-Test-Sandbox"]
        monkeypatch.setenv("PROVIDER_GOOGLE_AI_STUDIO_BASE_URL", f"{sandbox}{GOOGLE.sandbox_path}")
        monkeypatch.setenv(GOOGLE.key_variable, "google-key")
    await sync_to_async(serve)(request.param, PRICES)
    return api


def serve(provider: str, pricing: dict[str, str]) -> None:
    factory.endpoint(factory.model(PAINTER, output_modalities=["text", "image"]), provider, pricing)


def images_of(response: Any, *, stream: bool) -> list[Any]:
    if not stream:
        return list(response.json()["choices"][0]["message"].get("images") or ())
    deltas = [choice["delta"] for chunk in events_of(response.text) for choice in chunk["choices"]]
    return [image for delta in deltas for image in delta.get("images") or ()]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_image_comes_in_the_response_and_has_its_own_price(painter, stream):
    response = await painter.chat(model=PAINTER, tokens=10, stream=stream, **BOTH)
    assert images_of(response, stream=stream) == [IMAGE]
    if stream:
        for chunk in events_of(response.text):
            check("POST /chat/completions", "stream", chunk)
        usage = events_of(response.text)[-1]["usage"]
    else:
        check("POST /chat/completions", 200, response.json())
        usage = response.json()["usage"]
    assert usage["completion_tokens"] == 10 + IMAGE_TOKENS
    assert usage["completion_tokens_details"]["image_tokens"] == IMAGE_TOKENS
    row = await painter.generation()
    assert (row.output_images, row.output_image_tokens) == (1, IMAGE_TOKENS)
    assert row.cost == row.prompt_tokens * usd("0.000001") + 10 * usd("0.000002") + usd("0.04")
    assert row.hold >= row.cost
    await painter.assert_books_balance()


async def test_without_a_price_for_images_their_tokens_cost_what_others_cost(api):
    await sync_to_async(serve)("cheap", factory.CHEAP)
    row = await api.generation((await api.chat(model=PAINTER, tokens=10, **BOTH)).json()["id"])
    assert row.cost == row.prompt_tokens * usd("0.000001") + (10 + IMAGE_TOKENS) * usd("0.000002")
    await api.assert_books_balance()


async def test_an_image_is_billed_when_the_provider_reports_no_tokens(api):
    await sync_to_async(serve)("cheap", PRICES)
    response = await api.chat(model=PAINTER, tokens=10, stream=True, fault="cheap=no-usage", **BOTH)
    assert images_of(response, stream=True) == [IMAGE]
    row = await api.generation()
    assert usd("0.04") < row.cost < usd("0.041")
    await api.assert_books_balance()


async def test_a_balance_that_covers_no_image_is_refused_before_the_provider_is_asked(painter):
    account = await painter.account()
    account.credits = usd("0.01")
    await account.asave()
    assert (await painter.chat(model=PAINTER, max_tokens=2000, **BOTH)).status_code == 402
    assert (await painter.chat(model=PAINTER, max_tokens=2000, modalities=["text"])).status_code == 200
    assert len(await painter.received()) == 1


async def test_a_model_without_images_in_its_responses_is_not_asked_for_one(api):
    response = await api.chat(**BOTH)
    error = response.json()["error"]
    assert response.status_code == 404
    assert "by output modality" in error["message"]
    assert error["availability"]["constraint"]["field"] == "modalities"
    assert (await api.chat(modalities=["text"])).status_code == 200


async def test_the_size_of_an_image_is_written_in_the_providers_words(painter):
    await painter.chat(model=PAINTER, image_config={"aspect_ratio": "16:9", "image_size": "2K"}, **BOTH)
    sent = (await painter.received())[-1]
    if sent["provider"] == GOOGLE.slug:
        config = sent["body"]["generationConfig"]
        assert config["imageConfig"] == {"aspectRatio": "16:9", "imageSize": "2K"}
        assert config["responseModalities"] == ["TEXT", "IMAGE"]
    else:
        assert sent["body"]["image_config"] == {"aspect_ratio": "16:9", "image_size": "2K"}
