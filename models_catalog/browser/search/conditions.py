"""The conditions of a query, as predicates of models."""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from models_catalog.browser.prepared import PerCatalogue
from models_catalog.catalog import Catalogue, ModelEntry
from models_catalog.entries import ProviderEntry
from models_catalog.metrics.measurements import UNMEASURED, ModelFigures

from .query import INDICES, Query

__all__ = ["DAY_SECONDS", "Figures", "conditions", "figures_of", "prompt_price", "regions_of", "squash"]

MILLION = 1_000_000
DAY_SECONDS = 86_400

#: By model ID.
Figures = Mapping[str, ModelFigures]
Condition = Callable[[ModelEntry], bool]
Conditions = Iterator[tuple[tuple[str, str], Condition]]

#: ISO 3166 codes of the countries of each region.
_COUNTRIES = {
    "eu": frozenset(
        "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE".split()  # noqa: SIM905
    ),
    "us": frozenset({"US"}),
}


def conditions(catalogue: Catalogue, query: Query, now: float, figures: Figures) -> Conditions:
    """Yield each condition of the query as ((filter, value), predicate)."""
    yield from _of_abilities(query)
    yield from _of_prices(query)
    yield from _of_origin(query)
    yield from _of_policies(catalogue, query, figures)
    yield from _of_age(query, now)
    yield from _scores(query, figures)


def _of_abilities(query: Query) -> Conditions:
    if query.q:
        terms = [(term, squash(term)) for term in query.q.lower().split()]
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


def _of_prices(query: Query) -> Conditions:
    for name, price, holds in _PRICES:
        bound = getattr(query, name)
        if bound is not None:
            yield (name, ""), _priced(price, holds, bound)


def _of_origin(query: Query) -> Conditions:
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


def _of_policies(catalogue: Catalogue, query: Query, figures: Figures) -> Conditions:
    if query.zdr:
        yield ("zdr", ""), lambda model: model.zero_retention
    if query.category:
        uses = set(query.category)
        yield ("category", ""), lambda model: not uses.isdisjoint(figures_of(figures, model).usage.categories)
    if query.distillable is not None:
        yield ("distillable", ""), lambda model: bool(model.open_weights) is query.distillable
    if query.region:
        regions = set(query.region)
        yield ("region", ""), lambda model: not regions.isdisjoint(regions_of(catalogue, model))


def _of_age(query: Query, now: float) -> Conditions:
    if query.min_age_days is not None:
        youngest = now - query.min_age_days * DAY_SECONDS
        yield ("min_age_days", ""), lambda model: model.created <= youngest
    if query.max_age_days is not None:
        oldest = now - query.max_age_days * DAY_SECONDS
        yield ("max_age_days", ""), lambda model: model.created >= oldest


def figures_of(figures: Figures, model: ModelEntry) -> ModelFigures:
    """Return the figures of a model; those of an alias are its model's."""
    return figures.get((model.alias_of or model).id, UNMEASURED)


def prompt_price(model: ModelEntry) -> Decimal:
    """USD per prompt token; per search of a model that is priced by them, which is not free either."""
    return model.prices.prompt or model.prices.request


_PRICES: tuple[tuple[str, Callable[[ModelEntry], Decimal], Callable[[Decimal, Decimal], bool]], ...] = (
    ("min_price", prompt_price, operator.ge),
    ("max_price", prompt_price, operator.le),
    ("min_output_price", lambda model: model.prices.completion, operator.ge),
    ("max_output_price", lambda model: model.prices.completion, operator.le),
)


def _has(name: str, value: str) -> Condition:
    return lambda model: value in getattr(model, name)


def _priced(
    price: Callable[[ModelEntry], Decimal], holds: Callable[[Decimal, Decimal], bool], bound: Decimal
) -> Condition:
    return lambda model: holds(price(model) * MILLION, bound)


def _scores(query: Query, figures: Figures) -> Conditions:
    """Yield the conditions on scores. A model without the score meets none of them."""
    for bound, holds in (("min", operator.ge), ("max", operator.le)):
        limit = getattr(query, f"{bound}_tool_success_rate")
        if limit is not None:
            yield (f"{bound}_tool_success_rate", ""), _succeeds(figures, holds, float(100 * limit))
        for index in INDICES:
            if getattr(query, f"{bound}_{index}") is not None:
                yield (f"{bound}_{index}", ""), lambda _model: False


def _succeeds(figures: Figures, holds: Callable[[float, float], bool], percent: float) -> Condition:
    def test(model: ModelEntry) -> bool:
        rate = figures_of(figures, model).tool_success
        return rate is not None and holds(rate, percent)

    return test


def regions_of(catalogue: Catalogue, model: ModelEntry) -> set[str]:
    """Return the regions in which a provider of the model has all its known data centers."""
    regions = _regions(catalogue)
    return {region for slug in model.provider_slugs for region in regions.get(slug, ())}


def _regions_by_provider(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    return {slug: _within(provider) for slug, provider in catalogue.providers.items() if provider.datacenters}


def _within(provider: ProviderEntry) -> tuple[str, ...]:
    return tuple(region for region, countries in _COUNTRIES.items() if countries.issuperset(provider.datacenters))


_regions = PerCatalogue(_regions_by_provider)


def squash(text: str) -> str:
    """Return letters and digits only, so that "gpt4o" finds "GPT-4o"."""
    return re.sub(r"[\W_]+", "", text)


def _mentions(model: ModelEntry, terms: list[tuple[str, str]]) -> bool:
    text = f"{model.id} {model.name}".lower()
    squashed = squash(text)
    return all(squashed_term in squashed if squashed_term else term in text for term, squashed_term in terms)
