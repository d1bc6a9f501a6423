"""Sources of the kind `models.dev`: one document, `api.json`, of providers and their models by the providers' names.

Prices are numbers in USD per million tokens.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from .download import Downloads
from .offers import Count, InvalidDocument, Name, Offer, Slug, Staged, Text, Word, day_of, decode, modalities, price

__all__ = ["read"]

MILLION = 1_000_000

#: The catalog's slugs of providers that are named differently there. Plans with prices of their own are not among them.
_SLUGS = {
    "cloudflare-workers-ai": "cloudflare",
    "fireworks-ai": "fireworks",
    "google": "google-ai-studio",
    "novita-ai": "novita",
    "togetherai": "together",
    "zai": "z-ai",
}

_KEYS = {
    "prompt": "input",
    "completion": "output",
    "input_cache_read": "cache_read",
    "input_cache_write": "cache_write",
    "internal_reasoning": "reasoning",
    "audio": "input_audio",
}

#: A snapshot of a day, or a name that is not the same model at every time.
_SNAPSHOT = re.compile(r"-(20\d{6}|20\d\d-\d\d-\d\d|latest)$|^latest$")

#: Models that do something else than to chat, although the document says that they give text.
_OTHER_TASK = re.compile(r"embed|rerank|whisper|transcri|moderation|tts|guard|ocr|realtime", re.IGNORECASE)

_ProviderID = Annotated[str, msgspec.Meta(max_length=100, pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z")]
_Price = Annotated[Decimal, msgspec.Meta()] | None


class _Tier(msgspec.Struct):
    type: Text = ""
    size: Count = 0


class _Cost(msgspec.Struct):
    input: _Price = None
    output: _Price = None
    cache_read: _Price = None
    cache_write: _Price = None
    reasoning: _Price = None
    input_audio: _Price = None
    tier: _Tier | None = None
    tiers: "list[_Cost] | None" = None  # each with its `tier`
    context_over_200k: "_Cost | None" = None  # as sources wrote it before there were tiers


class _Limit(msgspec.Struct):
    context: Count | None = None
    output: Count | None = None


class _Modalities(msgspec.Struct):
    input: list[Slug] = []
    output: list[Slug] = []


class _Model(msgspec.Struct):
    id: Word
    name: Name
    reasoning: bool = False
    tool_call: bool = False
    structured_output: bool = False
    temperature: bool = False
    knowledge: Text | None = None
    release_date: Text | None = None
    modalities: _Modalities = msgspec.field(default_factory=_Modalities)
    open_weights: bool | None = None
    cost: _Cost | None = None
    limit: _Limit = msgspec.field(default_factory=_Limit)
    status: Text | None = None


class _Provider(msgspec.Struct):
    id: _ProviderID
    name: Name
    models: dict[Word, _Model]


async def read(downloads: Downloads, url: str, *, etag: str = "") -> Staged | None:
    """Return the offers of the document; None if it still has this ETag.

    Raises UnreadableSource and InvalidDocument.
    """
    document = await downloads.get(url, etag=etag)
    return None if document is None else staged(document.body, document.etag)


def staged(body: bytes, etag: str = "") -> Staged:
    """Return the offers of the document. Raises InvalidDocument."""
    providers = decode(body, dict[_ProviderID, _Provider])
    offers = []
    for slug, provider in providers.items():
        if provider.id != slug:
            raise InvalidDocument(f"The provider {slug} says that its ID is {provider.id}.")
        for name, model in provider.models.items():
            if model.id != name:
                raise InvalidDocument(f"The model {name} of {slug} says that its ID is {model.id}.")
            offers.append(_offer(_SLUGS.get(slug, slug), model))
    return Staged(offers, etag)


def _offer(provider: str, model: _Model) -> Offer:
    cost = model.cost or _Cost()
    about = f"{model.id} at {provider}"
    pricing = _prices(cost, about)
    day, knowledge = day_of(model.release_date), model.knowledge or ""
    return Offer(
        provider=provider,
        provider_model_id=model.id,
        tag=provider,
        name=model.name,
        pricing=pricing,
        tiers=_tiers(cost, about),
        context_length=model.limit.context or None,
        max_completion_tokens=model.limit.output or None,
        created=int(datetime.combine(day, time.min, UTC).timestamp()) if day and day.year > 2000 else None,
        input_modalities=modalities(model.modalities.input),
        output_modalities=modalities(model.modalities.output, output=True),
        supported_parameters=_parameters(model),
        reasoning=model.reasoning,
        open_weights=model.open_weights,
        knowledge_cutoff=knowledge[:10] if re.match(r"20\d\d-\d\d", knowledge) else "",
        not_new=_not_new(model),
    )


def _prices(cost: _Cost, about: str) -> Mapping[str, str]:
    prices = {key: price(key, getattr(cost, name), per=MILLION, about=about) for key, name in _KEYS.items()}
    return {key: value for key, value in prices.items() if value is not None}


def _tiers(cost: _Cost, about: str) -> list[dict[str, Any]]:
    dearer = {each.tier.size: each for each in cost.tiers or () if each.tier and each.tier.type == "context"}
    if not dearer and cost.context_over_200k:
        dearer = {200_000: cost.context_over_200k}
    return [{"min_context": size, **_prices(each, about)} for size, each in sorted(dearer.items()) if size]


def _parameters(model: _Model) -> frozenset[str]:
    told = {
        "tools": model.tool_call,
        "tool_choice": model.tool_call,
        "structured_outputs": model.structured_output,
        "response_format": model.structured_output,
        "reasoning": model.reasoning,
        "include_reasoning": model.reasoning,
        "temperature": model.temperature,
        "top_p": model.temperature,
        "max_tokens": True,
    }
    return frozenset(name for name, takes in told.items() if takes)


def _not_new(model: _Model) -> str:
    if model.status in {"alpha", "deprecated"}:
        return f"its provider calls it {model.status}"
    if _OTHER_TASK.search(model.id):
        return "whose task the source doesn't tell"
    return "a dated snapshot or a rolling name" if _SNAPSHOT.search(model.id) else ""
