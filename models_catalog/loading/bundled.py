"""Loading the catalog that ships with the site: `fixtures/catalogue.json`.

The file holds facts only: `authors` (slug -> name), `providers`, `models` and `endpoints`, whose keys
are the fields of the models of those names. What it leaves out is unknown.

Loading is safe at any time and from any number of processes: rows are matched by their natural key,
a field that an operator has edited keeps the operator's value, and a row that a newer file no longer
has is switched off, never deleted. What is published about endpoints beside it is in a file of its own (`curation.py`);
a newer one of these is loaded as well. Endpoints that follow a source of CATALOG_SYNC_SOURCES keep what it told. A
server of the operator's own keeps its name: facts about a provider or author of the same slug are left out.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction

from models_catalog import catalog
from models_catalog.browser.descriptions import describe
from models_catalog.models import OWN, Author, CatalogueVersion, Endpoint, Model, Provider
from models_catalog.prices.stored import servable

from . import curation

__all__ = ["FILE", "SYNCED_FIELDS", "Loaded", "bundled_slugs", "load_bundled"]

FILE = Path(__file__).parent.parent / "fixtures" / "catalogue.json"

BATCH_ROWS = 500

#: Fields of endpoints that follow a source.
SYNCED_FIELDS = (
    "pricing", "tiers", "context_length", "max_completion_tokens", "quantization", "supported_parameters", "enabled",
)  # fmt: skip

Row = TypeVar("Row", Provider, Model, Endpoint)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The result of a load. `models` counts those that can be served."""

    models: int
    hidden: int
    endpoints: int
    providers: int


def load_bundled(file: Path = FILE, curated: Path = curation.BUNDLED, *, force: bool = False) -> Loaded | None:
    """Load the files and return the result; None if these very files were loaded before."""
    content, facts = file.read_bytes(), curated.read_bytes()
    digest = hashlib.sha256(content + facts).hexdigest()
    if not force and CatalogueVersion.objects.filter(source_sha256=digest).exists():
        return None
    with transaction.atomic():
        version, _ = CatalogueVersion.objects.select_for_update().get_or_create(pk=1, defaults={"stamp": 0})
        if version.source_sha256 == digest and not force:
            return None  # another process was quicker
        loaded = _write(json.loads(content), curation.read(facts, as_csv=False))
        CatalogueVersion.objects.filter(pk=1).update(source_sha256=digest)
        catalog.touch()
    return loaded


def bundled_slugs(file: Path = FILE) -> set[str]:
    """Return the slugs of every provider and author in the file."""
    facts = json.loads(file.read_bytes())
    return {*facts["authors"], *(row["slug"] for row in facts["providers"])}


def _without_own(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts, without those whose slug is that of a server of the operator's own."""
    own = set(Provider.objects.filter(kind=OWN, bundled=False).values_list("slug", flat=True))
    if not own:
        return facts
    return {
        "authors": {slug: name for slug, name in facts["authors"].items() if slug not in own},
        "providers": [row for row in facts["providers"] if row["slug"] not in own],
        "models": [row for row in facts["models"] if row["id"].partition("/")[0] not in own],
        "endpoints": [
            row
            for row in facts["endpoints"]
            if row["model"].partition("/")[0] not in own and row["provider"] not in own
        ],
    }


def _write(facts: dict[str, Any], curated: list[curation.Row]) -> Loaded:
    facts = _without_own(facts)
    authors: dict[str, str] = facts["authors"]
    Author.objects.bulk_create(
        (Author(slug=slug, name=name) for slug, name in authors.items()),
        update_conflicts=True,
        unique_fields=["slug"],
        update_fields=["name"],
    )
    providers = [Provider(bundled=True, **row) for row in facts["providers"]]
    endpoints = _endpoints(facts, {provider.slug: provider for provider in providers})
    curation.curate(endpoints, curated)
    following = Endpoint.objects.filter(listed_by__in=settings.CATALOG_SYNC_SOURCES, enabled=True)
    synced = set(following.values_list("model_id", flat=True))
    models = _models(facts["models"], authors, endpoints)
    for model in models:
        model.hidden = model.hidden and model.id not in synced
    kept = {(model_id,) for model_id in synced.union(model.id for model in models)}
    _upsert(Provider, providers, key=("slug",))
    _upsert(Model, models, key=("id",))
    _upsert(Endpoint, endpoints, key=("model_id", "tag"))
    _switch_off(Provider, {(provider.slug,) for provider in providers}, key=("slug",), enabled=False)
    _switch_off(Model, kept, key=("id",), hidden=True)
    _switch_off(Endpoint, {(row.model_id, row.tag) for row in endpoints}, key=("model_id", "tag"), enabled=False)
    hidden = sum(model.hidden for model in models)
    return Loaded(len(models) - hidden, hidden, len(endpoints), len(providers))


def _endpoints(facts: dict[str, Any], providers: dict[str, Provider]) -> list[Endpoint]:
    """Return the endpoints that can be billed. An aggregator's is enabled only for models without another provider,
    so that prompts pass through fewer hands."""
    contexts = {row["id"]: row.get("context_length", 0) for row in facts["models"]}
    outputs = {row["id"]: row.get("output_modalities", ()) for row in facts["models"]}
    endpoints = []
    for row in facts["endpoints"]:
        pricing = servable(row["pricing"], free=row["model"].endswith(":free"), outputs=outputs[row["model"]])
        if pricing is None:
            continue
        suffix = f"/{row['tag']}" if "tag" in row else ""
        known = {name: value for name, value in row.items() if name not in ("model", "provider", "tag", "pricing")}
        known.setdefault("context_length", contexts[row["model"]])
        endpoint = Endpoint(
            bundled=True,
            model_id=row["model"],
            provider_id=row["provider"],
            tag=f"{row['provider']}{suffix}",
            pricing=pricing,
            **known,
        )
        endpoints.append(endpoint)
    direct = {row.model_id for row in endpoints if providers[row.provider_id].kind != "aggregator"}
    for endpoint in endpoints:
        endpoint.enabled = providers[endpoint.provider_id].kind != "aggregator" or endpoint.model_id not in direct
    return endpoints


def _models(rows: list[dict[str, Any]], authors: dict[str, str], endpoints: list[Endpoint]) -> list[Model]:
    """Return the models with their largest served context; hidden without an endpoint or a known context length."""
    served: dict[str, list[Endpoint]] = defaultdict(list)
    for endpoint in endpoints:
        if endpoint.enabled:
            served[endpoint.model_id].append(endpoint)
    models = []
    for row in rows:
        author = row["id"].partition("/")[0]
        model = Model(bundled=True, **{"context_length": 0, **row}, author_id=author)
        model.canonical_slug = model.id.partition(":")[0]
        model.name = f"{authors[author]}: {row['name']}"
        by = served[model.id]
        model.context_length = max((each.context_length for each in by), default=model.context_length)
        lengths = [each.max_completion_tokens for each in by if each.max_completion_tokens]
        model.max_completion_tokens = max(lengths, default=model.max_completion_tokens)
        model.hidden = not by or not model.context_length
        parameters = {name for each in by for name in each.supported_parameters}
        model.description = describe(model, authors[author], row["name"], parameters)
        models.append(model)
    return models


def _upsert(kind: type[Row], rows: list[Row], *, key: tuple[str, ...]) -> None:
    known = {_key(row, key): row for row in kind._default_manager.all()}
    for row in rows:
        key_of_row = _key(row, key)
        if key_of_row in known:
            theirs: Provider | Model | Endpoint = known[key_of_row]
            for name in {*theirs.edited_fields, *_synced_fields(theirs)}:
                setattr(row, name, getattr(theirs, name))
    fixed = {*key, "id", "edited_fields"}
    names = [field.attname for field in kind._meta.concrete_fields if field.attname not in fixed]
    kind._default_manager.bulk_create(
        rows, batch_size=BATCH_ROWS, update_conflicts=True, unique_fields=list(key), update_fields=names
    )


def _synced_fields(row: Provider | Model | Endpoint) -> tuple[str, ...]:
    """The fields that a sync has set, which the file does not change."""
    if isinstance(row, Model):
        return ("expires_on",)
    if isinstance(row, Endpoint) and row.listed_by in settings.CATALOG_SYNC_SOURCES:
        return (*SYNCED_FIELDS, "listed_by")
    return ()


def _switch_off(kind: type[Row], kept: Iterable[tuple[Any, ...]], *, key: tuple[str, ...], **off: bool) -> None:
    kept = set(kept)
    gone = [row for row in kind._default_manager.filter(bundled=True) if _key(row, key) not in kept]
    for row in gone:
        for name, value in off.items():
            if name not in row.edited_fields and name not in _synced_fields(row):
                setattr(row, name, value)
    kind._default_manager.bulk_update(gone, list(off))


def _key(row: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in names)
