"""A small shop of models whose figures the tests know by heart, and the bundled catalogue."""

import pytest

from models_catalog import catalog
from models_catalog.entries import Catalogue
from models_catalog.loading.bundled import load_bundled
from models_catalog.models import Author, CatalogueVersion, Endpoint, Model, Provider

DAY_ZERO = 1_700_000_000  # unix seconds


def add_model(model_id: str, name: str, *, days: int = 0, context: int = 128_000, **fields) -> Model:
    author, _ = Author.objects.get_or_create(
        slug=model_id.partition("/")[0], defaults={"name": model_id.partition("/")[0].capitalize()}
    )
    return Model.objects.create(
        **{
            "id": model_id,
            "canonical_slug": model_id.partition(":")[0],
            "author": author,
            "name": f"{author.name}: {name}",
            "description": f"{name} answers.",
            "created": DAY_ZERO + days * 86_400,
            "context_length": context,
            "input_modalities": ["text"],
            "output_modalities": ["text"],
            "tokenizer": "Other",
        }
        | fields
    )


def add_endpoint(model: Model, provider: Provider, prompt: str, completion: str, **fields) -> Endpoint:
    prices = {"prompt": prompt, "completion": completion} | fields.pop("prices", {})
    return Endpoint.objects.create(
        **{
            "model": model,
            "provider": provider,
            "tag": provider.slug,
            "provider_model_id": model.id.partition("/")[2],
            "context_length": model.context_length,
            "pricing": prices,
            "supported_parameters": ["max_tokens", "temperature"],
        }
        | fields
    )


@pytest.fixture
def shop(db) -> dict[str, Model]:
    """Four models of two authors at two providers; newest first: reader, large:free, large, small."""
    alpha = Provider.objects.create(
        slug="alpha", name="Alpha", kind="host", trains=False, retains=False, headquarters="FR", supports_cancel=True
    )
    beta = Provider.objects.create(slug="beta", name="Beta", kind="lab", policy_as_of="undated")
    small = add_model("acme/small", "Small", days=0, context=32_000)
    large = add_model("acme/large", "Large", days=10, context=200_000, input_modalities=["text", "image"])
    free = add_model("acme/large:free", "Large (free)", days=20, context=200_000, input_modalities=["text", "image"])
    reader = add_model("umbra/reader-7b", "Reader 7B", days=30, context=1_000_000, reasoning=True)
    add_endpoint(small, alpha, "0.0000001", "0.0000004")
    add_endpoint(large, beta, "0.000003", "0.000015", supported_parameters=["max_tokens", "tools"])
    add_endpoint(large, alpha, "0.0000025", "0.00001", context_length=128_000, max_completion_tokens=16_384)
    add_endpoint(free, beta, "0", "0")
    add_endpoint(
        reader,
        alpha,
        "0.000001",
        "0.000002",
        prices={"input_cache_read": "0.0000001", "request": "0.01"},
        tiers=[{"min_context": 200_000, "prompt": "0.000002", "completion": "0.000004"}],
        supported_parameters=["reasoning", "tools"],
    )
    catalog.touch()
    return {model.id: model for model in (small, large, free, reader)}


@pytest.fixture
def bundled_rows(db) -> Catalogue:
    """The catalogue that the site ships with, in the database."""
    load_bundled()
    return catalog.current()


@pytest.fixture
def bundled(db, bundled_once: Catalogue) -> Catalogue:
    """The catalogue that the site ships with, in memory only: loading it for each test takes most of its time."""
    CatalogueVersion.objects.create(stamp=bundled_once.stamp)
    catalog.memory.put(None, bundled_once, read_at=catalog.memory.now())
    return bundled_once
