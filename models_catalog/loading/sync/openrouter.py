"""Sources of the kind `openrouter`: any OpenRouter-compatible API, its `/models` and the endpoints of each model.

Prices are strings in USD per token. A provider of the catalog with the same address is given the prices of `/models`.
"""

import asyncio
import re
from collections.abc import Collection
from typing import Annotated, Any

import msgspec

from models_catalog.prices.stored import KEYS
from models_catalog.reference.parameters import QUANTIZATIONS

from .download import Downloads
from .offers import (
    MODEL_ID,
    Count,
    InvalidDocument,
    Moment,
    Name,
    Offer,
    Slug,
    Staged,
    Text,
    day_of,
    decode,
    modalities,
    parameters,
    price,
)

__all__ = ["read"]

#: The most models whose endpoints are asked for.
MAX_MODELS = 2000

_ID = Annotated[str, msgspec.Meta(max_length=200, pattern=MODEL_ID)]
_TAG = Annotated[str, msgspec.Meta(max_length=120, pattern=r"\A[a-z0-9][a-z0-9._-]*(/[a-zA-Z0-9._-]+)*\Z")]
#: USD as text; other things may stand beside prices.
_Prices = dict[Slug, Any]


class _Architecture(msgspec.Struct):
    input_modalities: list[Slug] = []
    output_modalities: list[Slug] = []
    tokenizer: Text = ""


class _Limits(msgspec.Struct):
    max_completion_tokens: Count | None = None


class _Model(msgspec.Struct):
    id: _ID
    name: Name
    pricing: _Prices
    created: Moment | None = None
    context_length: Count | None = None
    architecture: _Architecture = msgspec.field(default_factory=_Architecture)
    top_provider: _Limits | None = None
    supported_parameters: list[Slug] | None = None
    knowledge_cutoff: Text | None = None
    expiration_date: Text | None = None


class _Models(msgspec.Struct):
    data: list[_Model]


class _Endpoint(msgspec.Struct):
    tag: _TAG
    pricing: _Prices
    context_length: Count | None = None
    max_completion_tokens: Count | None = None
    quantization: Text | None = None
    supported_parameters: list[Slug] | None = None


class _WithEndpoints(msgspec.Struct):
    endpoints: list[_Endpoint]


class _Endpoints(msgspec.Struct):
    data: _WithEndpoints


async def read(downloads: Downloads, url: str, *, own_slug: str = "", authors: Collection[str] = ()) -> Staged:
    """Return the offers of models of these authors. `own_slug` is the provider of the catalog at this address.

    The list has an ETag, but prices of endpoints may change without it, so everything is read each time.
    Raises UnreadableSource and InvalidDocument.
    """
    listed = await downloads.get(f"{url}/models")
    assert listed is not None
    models = decode(listed.body, _Models).data
    if len({model.id for model in models}) != len(models):
        raise InvalidDocument("It lists a model twice.")
    # Routers have no price of their own, and `~` begins a rolling name.
    models = [
        model
        for model in models
        if model.architecture.tokenizer != "Router" and not model.id.startswith(("~", "openrouter/"))
    ]
    if len(models) > MAX_MODELS:
        raise InvalidDocument(f"It lists more than {MAX_MODELS:,} models.")
    offers = [_offer(model, own_slug) for model in models] if own_slug else []
    known = [model for model in models if model.id.partition("/")[0] in authors]
    tasks = [asyncio.create_task(downloads.get(_endpoints_url(url, model), optional=True)) for model in known]
    try:
        documents = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
    for model, document in zip(known, documents, strict=True):
        if document:
            offers += [_offer(model, each.tag, each) for each in decode(document.body, _Endpoints).data.endpoints]
    if not offers and models:
        raise InvalidDocument("It tells no endpoint of a model whose author the catalog knows.")
    return Staged(offers)


def _endpoints_url(url: str, model: _Model) -> str:
    return f"{url}/models/{model.id}/endpoints"


def _offer(model: _Model, tag: str, endpoint: _Endpoint | None = None) -> Offer:
    source = endpoint or model
    about = f"{model.id} at {tag}"
    limits = endpoint or model.top_provider
    inputs = modalities(model.architecture.input_modalities)
    cutoff = model.knowledge_cutoff or ""
    takes = parameters(source.supported_parameters or ())
    quantization = (endpoint.quantization or "") if endpoint else ""
    return Offer(
        provider=tag.partition("/")[0],
        model_id=model.id,
        provider_model_id="" if endpoint else model.id,
        tag=tag,
        name=_bare(model.name),
        pricing=_prices(source.pricing, about),
        tiers=_tiers(source.pricing.get("overrides"), about),
        context_length=source.context_length or None,
        max_completion_tokens=(limits.max_completion_tokens or None) if limits else None,
        quantization=quantization if quantization in QUANTIZATIONS and quantization != "unknown" else "",
        supported_parameters=takes,
        created=model.created or None,
        input_modalities=inputs,
        output_modalities=modalities(model.architecture.output_modalities, output=True),
        reasoning="reasoning" in takes,
        knowledge_cutoff=cutoff[:10] if re.match(r"20\d\d-\d\d", cutoff) else "",
        tokenizer=model.architecture.tokenizer[:30],
        expires_on=day_of(model.expiration_date),
    )


def _bare(name: str) -> str:
    """The name without that of the author: `OpenAI: GPT-4o`."""
    author, colon, bare = name.partition(": ")
    return bare if colon and bare else author


def _prices(listed: _Prices, about: str) -> dict[str, str]:
    prices = {}
    for key in KEYS:
        value = listed.get(key)
        if value is not None and (not isinstance(value, str) or len(value) > 40):
            raise InvalidDocument(f"{about}: the price of {key} is not a short text.")
        if (usd := price(key, value, about=about)) is not None:
            prices[key] = usd
    return prices


def _tiers(listed: Any, about: str) -> list[dict[str, Any]]:
    if not isinstance(listed, list):
        return []
    tiers = []
    for each in listed[:20]:
        least = each.get("min_prompt_tokens") if isinstance(each, dict) else None
        if type(least) is int and 0 < least <= 1_000_000_000 and (prices := _prices(each, about)):
            tiers.append({"min_context": least, **prices})
    return tiers
