"""The door of `models_catalog`: the whole catalog as one immutable object in memory.

- `current()`: the catalog, checked for changes every two seconds; for pages and the API.
- `recheck()`: the catalog, checked for changes now.
- `load()`: the catalog, read from the database now.
- `stamp()`: a number that rises with every change of the catalog; one cheap query.
- `touch()`: mark the catalog as changed. Everything that writes to it ends with this call.
- `clear()`: drop this process's copy.
- `provide(is_configured)`: how to tell whether an endpoint can be reached here. The app that calls providers knows; it
  is above this one, so it registers itself.

The first four read the database: call them from a thread, not on an event loop.

Only what can be served is here: no hidden models but their ids, no disabled providers or endpoints, none whose provider
is not configured. Those are in `Catalogue.complete`.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower

from common.storage.fresh_cache import FreshCache

from . import price_history
from .entries import Catalogue, EndpointEntry, KeyEntry, ModelEntry, ProviderEntry
from .models import OWN, Author, CatalogueVersion, Endpoint, Model, Provider, ProviderKey
from .prices.parsed import Prices, Tier
from .reference.parameters import VARIANT_PARAMETERS, choices_of, provider_parameters, service_tier_of

__all__ = [
    "Catalogue",
    "EndpointEntry",
    "KeyEntry",
    "ModelEntry",
    "Prices",
    "ProviderEntry",
    "Tier",
    "clear",
    "current",
    "load",
    "provide",
    "recheck",
    "stamp",
    "touch",
]

log = logging.getLogger(__name__)

#: Seconds after which the stamp is checked again.
RECHECK_SECONDS = 2.0

#: The catalog of this process. While one caller rechecks it, the others get the last one, if it is not too old.
memory: FreshCache[None, Catalogue] = FreshCache(fresh_seconds=RECHECK_SECONDS, usable_seconds=2 * RECHECK_SECONDS)
_rechecking = threading.Lock()

_is_configured: Callable[[EndpointEntry], bool] | None = None


def provide(is_configured: Callable[[EndpointEntry], bool]) -> None:
    """Register `is_configured(endpoint)`, which says whether a server is known here that answers the endpoint."""
    global _is_configured
    _is_configured = is_configured


def current() -> Catalogue:
    """Return the catalog. One caller every RECHECK_SECONDS checks whether it has changed."""
    known, stale = memory.lookup(None)
    return known if known is not None and not stale else recheck()


def recheck() -> Catalogue:
    """Return the catalog in memory if the stamp shows that it has not changed; load it otherwise."""
    with _rechecking:
        read_at = memory.now()
        known = memory.peek(None)
        found = known if known is not None and stamp() == known.stamp else load()
        memory.put(None, found, read_at=read_at)
        return found


def clear() -> None:
    """Make the next `current()` read the database."""
    memory.clear()


def stamp() -> int:
    """Return a number that rises with every change of the catalog; 0 before the first load."""
    return CatalogueVersion.objects.values_list("stamp", flat=True).order_by("pk").first() or 0


def touch() -> int:
    """Mark the catalog as changed, record the prices that are new, and return the new stamp.

    Stamps are microseconds, so that a database restored from a copy cannot repeat one.
    """
    with transaction.atomic():
        version = CatalogueVersion.objects.select_for_update().order_by("pk").first() or CatalogueVersion(stamp=0)
        version.stamp = max(version.stamp + 1, time.time_ns() // 1000)
        version.save()
        price_history.record()
        transaction.on_commit(clear)
    clear()
    return version.stamp


def load() -> Catalogue:
    """Read the catalog from the database."""
    loaded = stamp()  # first: a change during the reading is then noticed by the next look at the stamp
    provider_rows = list(Provider.objects.filter(enabled=True).order_by(Lower("name")))
    providers = {row.slug: _provider(row) for row in provider_rows}
    keyless = {row.slug for row in provider_rows if not row.requires_key}
    authors = dict(Author.objects.order_by(Lower("name")).values_list("slug", "name"))
    endpoints: dict[str, list[EndpointEntry]] = {}
    keys: dict[str, list[KeyEntry]] = {}
    for key in ProviderKey.objects.filter(enabled=True).order_by("pk"):
        keys.setdefault(key.provider_id, []).append(KeyEntry(key.pk, key.weight, key.secret))
    # Until an aggregator's own key is set, it serves only models without another provider; then everything it lists.
    keyed = [row.slug for row in providers.values() if row.kind == "aggregator" and _has_key(row, keys)]
    usable = Q(enabled=True) | Q(provider__in=keyed)
    for row in Endpoint.objects.filter(usable, provider__enabled=True, model__hidden=False):
        if not row.enabled and "enabled" in row.edited_fields:
            continue  # an operator switched it off
        try:
            endpoint = _endpoint(
                row,
                providers[row.provider_id],
                keys=tuple(keys.get(row.provider_id, ())),
                requires_key=row.provider_id not in keyless,
            )
            if endpoint.unlisted or (_is_configured is not None and not _is_configured(endpoint)):
                endpoint = replace(endpoint, configured=False)
            endpoints.setdefault(row.model_id, []).append(endpoint)
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            # One bad row, edited by hand, must not take the site down.
            log.error("%s is left out of the catalog: %s", row, error)
    rows = list(Model.objects.order_by("-created", "id"))

    def catalogue(endpoints: Mapping[str, list[EndpointEntry]], complete: Catalogue | None = None) -> Catalogue:
        served = [row for row in rows if endpoints.get(row.id)]
        models = {row.id: _model(row, authors[row.author_id], endpoints[row.id]) for row in served}
        in_use = {model.author for model in models.values()}
        return Catalogue(
            stamp=loaded,
            models=MappingProxyType(models),
            providers=MappingProxyType(providers),
            authors=MappingProxyType({slug: name for slug, name in authors.items() if slug in in_use}),
            unserved=frozenset(row.id for row in rows) - models.keys(),
            with_unconfigured=complete,
        )

    if all(endpoint.configured for each in endpoints.values() for endpoint in each):
        return catalogue(endpoints)
    offered = {model_id: [each for each in served if each.configured] for model_id, served in endpoints.items()}
    return catalogue(offered, complete=catalogue(endpoints))


def _provider(row: Provider) -> ProviderEntry:
    return ProviderEntry(
        **{name.name: getattr(row, name.name) for name in fields(ProviderEntry) if name.name != "datacenters"},
        datacenters=tuple(row.datacenters),
    )


def _has_key(provider: ProviderEntry, keys: Mapping[str, object]) -> bool:
    variables = (provider.key_variable, f"PROVIDER_{provider.slug.upper().replace('-', '_')}_API_KEY")
    return provider.slug in keys or any(os.environ.get(name) for name in variables if name)


def _endpoint(
    row: Endpoint, provider: ProviderEntry, *, keys: tuple[KeyEntry, ...], requires_key: bool
) -> EndpointEntry:
    prices = Prices(**_decimals(row.pricing))
    listed = frozenset(row.supported_parameters)
    taken = listed | _of_variant(row.model_id) | provider_parameters(provider.slug, row.model_id, listed)
    return EndpointEntry(
        id=row.pk,
        model_id=row.model_id,
        provider=provider.slug,
        provider_name=provider.name,
        tag=row.tag,
        provider_model_id=row.provider_model_id,
        context_length=row.context_length,
        max_completion_tokens=row.max_completion_tokens,
        quantization=row.quantization,
        prices=prices,
        tiers=_tiers(prices, [tier for tier in row.tiers if tier["min_context"] < row.context_length]),
        supported_parameters=taken,
        trains=(provider.trains if row.trains is None else row.trains) is not False,
        retains=(provider.retains if row.retains is None else row.retains) is not False,
        supports_cancel=provider.supports_cancel,
        is_moderated=row.is_moderated,
        publishes=row.publishes,
        is_exacto=row.is_exacto,
        has_own_policy=row.trains is not None or row.retains is not None,
        base_url=provider.base_url,
        key_variable=provider.key_variable,
        keys=keys,
        requires_key=requires_key,
        unlisted=row.unlisted_since is not None,
        max_choices=choices_of(provider.slug, is_own=provider.kind == OWN),
        service_tier=service_tier_of(row.tag),
    )


def _of_variant(model_id: str) -> frozenset[str]:
    return VARIANT_PARAMETERS.get(model_id.partition(":")[2], frozenset())


def _decimals(pricing: dict[str, str]) -> dict[str, Any]:
    prices = {name: Decimal(value) for name, value in pricing.items()}
    if not all(price.is_finite() and price >= 0 for price in prices.values()):
        raise ValueError(f"prices below zero or without end: {pricing}")  # would mint credit
    return prices


def _tiers(prices: Prices, rows: list[dict[str, Any]]) -> tuple[Tier, ...]:
    """A tier lists only the prices it changes; the others keep the price of the tier below."""
    tiers = []
    for row in sorted(rows, key=lambda tier: int(tier["min_context"])):
        changed = {name: value for name, value in row.items() if name != "min_context"}
        prices = replace(prices, **_decimals(changed))
        tiers.append(Tier(int(row["min_context"]), prices))
    return tuple(tiers)


def _model(row: Model, author_name: str, endpoints: list[EndpointEntry]) -> ModelEntry:
    return ModelEntry(
        id=row.id,
        canonical_slug=row.canonical_slug,
        author=row.author_id,
        author_name=author_name,
        name=row.name,
        description=row.description,
        created=row.created,
        # What providers offer, which may be less than the author's documentation says.
        context_length=max(endpoint.context_length for endpoint in endpoints),
        max_completion_tokens=max(
            (endpoint.max_completion_tokens for endpoint in endpoints if endpoint.max_completion_tokens),
            default=row.max_completion_tokens,
        ),
        input_modalities=tuple(row.input_modalities),
        output_modalities=tuple(row.output_modalities),
        tokenizer=row.tokenizer,
        instruct_type=row.instruct_type,
        reasoning=row.reasoning or "reasoning" in _of_variant(row.id),
        open_weights=row.open_weights,
        hugging_face_id=row.hugging_face_id,
        knowledge_cutoff=row.knowledge_cutoff,
        supported_parameters=frozenset().union(*(endpoint.supported_parameters for endpoint in endpoints)),
        dimensions=row.dimensions,
        expires_on=row.expires_on,
        endpoints=tuple(sorted(endpoints, key=lambda endpoint: endpoint.rank)),
    )
