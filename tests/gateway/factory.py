"""A small catalogue with known prices, so that a test can do the arithmetic by hand."""

from decimal import Decimal
from typing import Any

from models_catalog import catalog
from models_catalog.models import Author, Endpoint, Model, Provider

CHEAP = {"prompt": "0.000001", "completion": "0.000002"}
DEAR = {"prompt": "0.000002", "completion": "0.000004"}
FREE = {"prompt": "0", "completion": "0"}

PARAMETERS = [
    "frequency_penalty", "include_reasoning", "max_tokens", "presence_penalty", "reasoning", "response_format", "seed",
    "stop", "structured_outputs", "temperature", "tool_choice", "tools", "top_p",
]  # fmt: skip


def provider(slug: str, **fields: Any) -> Provider:
    return Provider.objects.update_or_create(slug=slug, defaults=_provider(slug) | fields)[0]


def model(model_id: str = "acme/one", **fields: Any) -> Model:
    author = Author.objects.get_or_create(slug=model_id.partition("/")[0], defaults={"name": "Acme"})[0]
    defaults = _model(model_id) | {"author": author}
    return Model.objects.update_or_create(id=model_id, defaults=defaults | fields)[0]


def endpoint(served: Model, by: str, pricing: dict[str, str], **fields: Any) -> Endpoint:
    tag, provider_fields = fields.pop("tag", by), _provider_fields(fields)
    defaults = _endpoint(served, pricing) | {"provider": provider(by, **provider_fields)}
    made = Endpoint.objects.update_or_create(model=served, tag=tag, defaults=defaults | fields)[0]
    catalog.touch()
    return made


def new_model(model_id: str = "acme/one", **fields: Any) -> Model:
    """A model for `save`."""
    author = Author(slug=model_id.partition("/")[0], name="Acme")
    return Model(id=model_id, **_model(model_id) | {"author": author} | fields)


def new_endpoint(served: Model, by: str, pricing: dict[str, str], **fields: Any) -> Endpoint:
    """An endpoint of a new model, for `save`."""
    by_provider = Provider(slug=by, **_provider(by) | _provider_fields(fields))
    return Endpoint(model=served, provider=by_provider, tag=by, **_endpoint(served, pricing) | fields)


def save(*endpoints: Endpoint) -> None:
    """Save new endpoints, their models, authors and providers: a third of the statements of one after the other."""
    models = {each.model_id: each.model for each in endpoints}
    authors = {each.author_id: each.author for each in models.values()}
    providers: dict[str, Provider] = {}
    for each in endpoints:
        providers.setdefault(each.provider_id, each.provider)
    Author.objects.bulk_create(authors.values(), ignore_conflicts=True)
    Provider.objects.bulk_create(providers.values(), ignore_conflicts=True)
    Model.objects.bulk_create(models.values())
    Endpoint.objects.bulk_create(endpoints)
    catalog.touch()


def _provider(slug: str) -> dict[str, Any]:
    return {"name": slug.title(), "kind": "host", "trains": False, "retains": False}


def _provider_fields(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: fields.pop(name) for name in ("supports_cancel", "trains", "retains") if name in fields}


def _model(model_id: str) -> dict[str, Any]:
    return {
        "canonical_slug": model_id,
        "name": f"Acme: {model_id}",
        "description": "A model for tests.",
        "created": 1_700_000_000,
        "context_length": 100_000,
        "max_completion_tokens": 4_000,
        "input_modalities": ["text", "image"],
        "output_modalities": ["text"],
        "tokenizer": "Other",
    }


def _endpoint(served: Model, pricing: dict[str, str]) -> dict[str, Any]:
    return {
        "provider_model_id": served.id.partition("/")[2],
        "context_length": 100_000,
        "max_completion_tokens": 4_000,
        "pricing": pricing,
        "supported_parameters": PARAMETERS,
    }


def usd(text: str) -> int:
    """pico-USD from exact dollars."""
    return int(Decimal(text) * 10**12)


def embedding_model(model_id: str = "acme/vectors", **fields: Any) -> Model:
    """A model for embeddings of 256 dimensions and inputs of 1,000 tokens, for `save`."""
    defaults: dict[str, Any] = {
        "context_length": 1_000,
        "max_completion_tokens": None,
        "input_modalities": ["text"],
        "output_modalities": ["embeddings"],
        "dimensions": 256,
    }
    return new_model(model_id, **defaults | fields)


def embedding_endpoint(served: Model, by: str, price: str, **fields: Any) -> Endpoint:
    """An endpoint with this price of a prompt token, in USD, for `save`."""
    defaults = {"context_length": 1_000, "max_completion_tokens": None, "supported_parameters": ["dimensions"]}
    return new_endpoint(served, by, {"prompt": price, "completion": "0"}, **defaults | fields)
