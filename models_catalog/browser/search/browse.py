"""Models that match a query, in order, with counts per facet. Shared by the models page and the API."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from models_catalog.browser.prepared import PerCatalogue
from models_catalog.catalog import Catalogue, ModelEntry
from models_catalog.metrics import measurements

from .conditions import DAY_SECONDS, Figures, conditions, figures_of, prompt_price, regions_of, squash
from .query import MEASURED_SORTS, Query

__all__ = ["AGE_STEPS", "CONTEXT_STEPS", "PRICE_STEPS", "Found", "find"]

AGE_STEPS = (30, 90, 180, 365)  # days
CONTEXT_STEPS = (32_000, 128_000, 200_000, 1_000_000)  # tokens
PRICE_STEPS = (Decimal(0), Decimal("0.5"), Decimal(2), Decimal(10))  # USD per million prompt tokens

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """The matching models, in order.

    `counts` answers, for each option of each facet, how many models there would be with it;
    `nearly` how many models exactly these filters keep out. `unmeasured` is the number of models that the
    order has no figures of: they come last. `retired` is the number of matching models that have retired, whether
    or not they are among the models.
    """

    models: tuple[ModelEntry, ...]
    counts: dict[str, Counter[str]] = field(repr=False)
    nearly: Counter[tuple[tuple[str, str], ...]] = field(repr=False)
    unmeasured: int = 0
    retired: int = 0
    figures: Figures = field(default_factory=dict, repr=False)


def find(catalogue: Catalogue, query: Query, *, now: float | None = None, with_retired: bool = True) -> Found:
    """Return the models and aliases of `catalogue` that match `query`. Ages are relative to `now` (Unix seconds).

    Without retired models, they count for nothing but `Found.retired`.
    """
    now = now or time.time()
    today = datetime.fromtimestamp(now, UTC).date()
    figures = measurements.of_models()
    tests = list(conditions(catalogue, query, now, figures))
    models: list[ModelEntry] = []
    counts: dict[str, Counter[str]] = {name: Counter() for name in (*_OPTIONS, "max_age_days", "category")}
    nearly: Counter[tuple[tuple[str, str], ...]] = Counter()
    retired = 0
    ages = [(str(days), now - days * DAY_SECONDS) for days in AGE_STEPS]
    for model, options in _prepared(catalogue):
        failed = [name for name, test in tests if not test(model)]
        if model.expires_on and model.is_retired(today):
            retired += not failed
            if not with_retired:
                continue
        if failed:
            nearly[tuple(failed)] += 1
            if len(failed) > 1:
                continue
        else:
            models.append(model)
        # Selecting another author widens the result: also count models that only this facet excludes. Selecting
        # another parameter narrows it: count models that match already.
        excluding = failed[0][0] if failed else ""
        for name, widens, values in options:
            if not failed or (widens and excluding == name):
                count = counts[name]
                for value in values:
                    count[value] += 1
        if excluding in ("", "max_age_days"):
            counts["max_age_days"].update(["any", *(days for days, oldest in ages if model.created >= oldest)])
        if excluding in ("", "category") and figures:
            counts["category"].update(figures_of(figures, model).usage.categories)
    ordered, unmeasured = _ordered(models, query, figures)
    counts["deprecated"] = Counter({"true": retired})
    return Found(tuple(ordered), counts, nearly, unmeasured, retired, figures)


# --- Counts ---------------------------------------------------------------------------------------


def _context_options(_: Catalogue, model: ModelEntry) -> Iterable[str]:
    return ["0", *(str(step) for step in CONTEXT_STEPS if model.context_length >= step)]


def _price_options(_: Catalogue, model: ModelEntry) -> Iterable[str]:
    million = prompt_price(model) * _MILLION
    return ["any", *(f"{step.normalize():f}" for step in PRICE_STEPS if million <= step)]


#: Per facet: the options that a model counts for, and whether selecting another one adds models. Those of ages depend
#: on the time, those of categories on traffic.
_OPTIONS: dict[str, tuple[Callable[[Catalogue, ModelEntry], Iterable[str]], bool]] = {
    "output_modalities": (lambda _, model: (*model.output_modalities, "all"), True),
    "input_modalities": (lambda _, model: model.input_modalities, False),
    "supported_parameters": (lambda _, model: model.supported_parameters, False),
    "context": (_context_options, True),
    "max_price": (_price_options, True),
    "arch": (lambda _, model: (model.tokenizer,), True),
    "model_authors": (lambda _, model: (model.author,), True),
    "providers": (lambda _, model: model.provider_slugs, True),
    "variant": (lambda _, model: (model.variant or "standard",), True),
    "zdr": (lambda _, model: ("true",) if model.zero_retention else (), False),
    "distillable": (lambda _, model: ("true",) if model.open_weights else (), False),
    "region": (regions_of, True),
}

_ModelOptions = tuple[tuple[str, bool, tuple[str, ...]], ...]


def _options_of_models(catalogue: Catalogue) -> list[tuple[ModelEntry, _ModelOptions]]:
    return [
        (model, tuple((name, widens, tuple(options(catalogue, model))) for name, (options, widens) in _OPTIONS.items()))
        for model in catalogue.listed
    ]


_prepared = PerCatalogue(_options_of_models)


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

#: The figure of a model by which a sort orders, smallest first; None where there is none.
_MEASURED_ORDERS: dict[str, Callable[[measurements.ModelFigures], float | None]] = {
    "throughput-high-to-low": lambda known: None if known.throughput is None else -known.throughput,
    "latency-low-to-high": lambda known: known.latency_ms,
    **dict.fromkeys(MEASURED_SORTS[:2], lambda known: -known.usage.tokens or None),
}


def _ordered(models: list[ModelEntry], query: Query, figures: Figures) -> tuple[list[ModelEntry], int]:
    """The models in the order of the query, and how many it has no figures of.

    Those without figures come last, and after them those that are not offered here.
    """
    unmeasured = 0
    if query.sort in _ORDERS:
        models = sorted(models, key=_ORDERS[query.sort])
    elif query.sort in _MEASURED_ORDERS:
        figure = _MEASURED_ORDERS[query.sort]
        known = {model.id: figure(figures_of(figures, model)) for model in models}
        unmeasured = sum(each is None for each in known.values())
        models = sorted(models, key=lambda model: (known[model.id] is None, known[model.id] or 0))
    elif query.q:
        wanted = squash(query.q.lower())
        models = sorted(models, key=lambda model: _distance(model, wanted))
    return sorted(models, key=lambda model: not model.is_offered), unmeasured


def _distance(model: ModelEntry, wanted: str) -> int:
    """Return how far a model is from the search: 0 for its exact name, then its start, a part of it, its parts."""
    names = [squash(name.lower()) for name in (model.short_name, model.slug, model.id, model.name)]
    if wanted in names:
        return 0
    if any(name.startswith(wanted) for name in names):
        return 1
    return 2 if any(wanted in name for name in names) else 3
