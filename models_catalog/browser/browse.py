"""Models that match a query, in order, with counts per facet. Shared by the models page and the API."""

import operator
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from models_catalog.catalog import Catalogue, ModelEntry

from .query import Query

__all__ = ["CONTEXT_STEPS", "PRICE_STEPS", "Found", "find"]

CONTEXT_STEPS = (32_000, 128_000, 200_000, 1_000_000)  # tokens
PRICE_STEPS = (Decimal(0), Decimal("0.5"), Decimal(2), Decimal(10))  # USD per million prompt tokens

_MILLION = 1_000_000
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Found:
    """The matching models, in order.

    `counts` answers, for each option of each facet, how many models there would be with it;
    `nearly` how many more there would be without one of the filters.
    """

    models: tuple[ModelEntry, ...]
    counts: dict[str, Counter[str]] = field(repr=False)
    nearly: Counter[tuple[str, str]] = field(repr=False)


def find(catalogue: Catalogue, query: Query, *, now: float | None = None) -> Found:
    """Return the models and aliases of `catalogue` that match `query`. Ages are relative to `now` (Unix seconds)."""
    tests = list(_tests(query, now or time.time()))
    models: list[ModelEntry] = []
    counts: dict[str, Counter[str]] = {name: Counter() for name in _OPTIONS}
    nearly: Counter[tuple[str, str]] = Counter()
    for model in catalogue.listed:
        failed = [name for name, test in tests if not test(model)]
        if len(failed) > 1:
            continue
        if not failed:
            models.append(model)
        else:
            nearly[failed[0]] += 1
        # Selecting another author widens the result: also count models that only this facet excludes. Selecting
        # another parameter narrows it: count models that match already.
        for name, (options, widens) in _OPTIONS.items():
            if not failed or (widens and failed[0][0] == name):
                counts[name].update(options(model))
    return Found(tuple(_ordered(models, query)), counts, nearly)


def _tests(query: Query, now: float) -> Iterator[tuple[tuple[str, str], Callable[[ModelEntry], bool]]]:
    """Yield each condition of the query as ((filter, value), predicate)."""
    if query.q:
        terms = [(term, _squash(term)) for term in query.q.lower().split()]
        yield ("q", ""), lambda model: _mentions(model, terms)
    if query.output_modalities:
        outputs = set(query.output_modalities)
        yield ("output_modalities", ""), lambda model: not outputs.isdisjoint(model.output_modalities)
    for each in query.input_modalities:
        yield ("input_modalities", each), _has("input_modalities", each)
    for each in query.supported_parameters:
        yield ("supported_parameters", each), _has("supported_parameters", each)
    if query.context:
        yield ("context", ""), lambda model: model.context_length >= query.context
    for name, price, holds in _PRICE_TESTS:
        bound = getattr(query, name)
        if bound is not None:
            yield (name, ""), _priced(price, holds, bound)
    if query.arch:
        tokenizers = {name.lower() for name in query.arch}
        yield ("arch", ""), lambda model: model.tokenizer.lower() in tokenizers
    if query.model_authors:
        yield ("model_authors", ""), lambda model: model.author in query.model_authors
    if query.providers:
        slugs = set(query.providers)
        yield ("providers", ""), lambda model: not slugs.isdisjoint(model.provider_slugs)
    if query.variant:
        yield ("variant", ""), lambda model: (model.variant or "standard") in query.variant
    if query.zdr:
        yield ("zdr", ""), lambda model: model.zero_retention
    if query.min_age_days is not None:
        youngest = now - query.min_age_days * _DAY_SECONDS
        yield ("min_age_days", ""), lambda model: model.created <= youngest
    if query.max_age_days is not None:
        oldest = now - query.max_age_days * _DAY_SECONDS
        yield ("max_age_days", ""), lambda model: model.created >= oldest


def _prompt_price(model: ModelEntry) -> Decimal:
    """USD per prompt token; per search of a model that is priced by them, which is not free either."""
    return model.prices.prompt or model.prices.request


_PRICE_TESTS: tuple[tuple[str, Callable[[ModelEntry], Decimal], Callable[[Decimal, Decimal], bool]], ...] = (
    ("min_price", _prompt_price, operator.ge),
    ("max_price", _prompt_price, operator.le),
    ("min_output_price", lambda model: model.prices.completion, operator.ge),
    ("max_output_price", lambda model: model.prices.completion, operator.le),
)


def _has(name: str, value: str) -> Callable[[ModelEntry], bool]:
    return lambda model: value in getattr(model, name)


def _priced(
    price: Callable[[ModelEntry], Decimal], holds: Callable[[Decimal, Decimal], bool], bound: Decimal
) -> Callable[[ModelEntry], bool]:
    return lambda model: holds(price(model) * _MILLION, bound)


def _squash(text: str) -> str:
    """Return letters and digits only, so that "gpt4o" finds "GPT-4o"."""
    return re.sub(r"[\W_]+", "", text)


def _mentions(model: ModelEntry, terms: list[tuple[str, str]]) -> bool:
    text = f"{model.id} {model.name}".lower()
    squashed = _squash(text)
    return all(squash in squashed if squash else term in text for term, squash in terms)


# --- Counts ---------------------------------------------------------------------------------------


def _context_options(model: ModelEntry) -> Iterable[str]:
    return ["0", *(str(step) for step in CONTEXT_STEPS if model.context_length >= step)]


def _price_options(model: ModelEntry) -> Iterable[str]:
    million = _prompt_price(model) * _MILLION
    return ["any", *(f"{step.normalize():f}" for step in PRICE_STEPS if million <= step)]


#: Per facet: the options that a model counts for, and whether selecting another one adds models.
_OPTIONS: dict[str, tuple[Callable[[ModelEntry], Iterable[str]], bool]] = {
    "output_modalities": (lambda model: (*model.output_modalities, "all"), True),
    "input_modalities": (lambda model: model.input_modalities, False),
    "supported_parameters": (lambda model: model.supported_parameters, False),
    "context": (_context_options, True),
    "max_price": (_price_options, True),
    "model_authors": (lambda model: (model.author,), True),
    "providers": (lambda model: model.provider_slugs, True),
    "variant": (lambda model: (model.variant or "standard",), True),
    "zdr": (lambda model: ("true",) if model.zero_retention else (), False),
}


# --- Orders ---------------------------------------------------------------------------------------


def _typical_cost(model: ModelEntry) -> Decimal:
    """Return USD of a request with 3,000 prompt and 1,000 completion tokens."""
    return 4000 * model.prices.per_token + model.prices.request


#: Sorts are stable: equal models stay newest first.
_ORDERS: dict[str, Callable[[ModelEntry], Any]] = {
    "newest": lambda model: (-model.created, model.id),
    "pricing-low-to-high": _typical_cost,
    "pricing-high-to-low": lambda model: -_typical_cost(model),
    "context-high-to-low": lambda model: -model.context_length,
}


def _ordered(models: list[ModelEntry], query: Query) -> list[ModelEntry]:
    """The models in the order of the query; those that are not offered here come last."""
    if query.sort in _ORDERS:
        models = sorted(models, key=_ORDERS[query.sort])
    elif query.q:
        wanted = _squash(query.q.lower())
        models = sorted(models, key=lambda model: _distance(model, wanted))
    return sorted(models, key=lambda model: not model.is_offered)


def _distance(model: ModelEntry, wanted: str) -> int:
    """Return how far a model is from the search: 0 for its exact name, then its start, a part of it, its parts."""
    names = [_squash(name.lower()) for name in (model.short_name, model.slug, model.id, model.name)]
    if wanted in names:
        return 0
    if any(name.startswith(wanted) for name in names):
        return 1
    return 2 if any(wanted in name for name in names) else 3
