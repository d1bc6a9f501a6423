"""Models side by side: groups of properties, which of them differ, and the best values."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from difflib import get_close_matches
from functools import partial
from typing import TypeVar
from urllib.parse import urlencode

from django.http import QueryDict

from common.display import moments
from common.money import format_price_per_million
from models_catalog.entries import Catalogue, EndpointEntry, ModelEntry
from models_catalog.metrics import measurements

from .descriptions import month_name
from .figures import seconds, tokens
from .model_page.price_table import PRICES
from .search.browse import find
from .search.conditions import figures_of
from .search.query import Query

__all__ = ["MOST_COMPARED", "Cell", "Group", "Line", "chosen_ids", "compare", "compare_query", "matches", "near"]

MOST_COMPARED = 4
#: Models that a search offers.
_MOST_MATCHES = 8
#: Longest ID that is read; longer ones are cut.
_LONGEST_ID = 300

_UNKNOWN = "–"

Number = TypeVar("Number", int, float, Decimal)


@dataclass(frozen=True, slots=True)
class Cell:
    """One property of one model. `mark` says what it is the best in, like "Cheapest"."""

    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One property of all compared models."""

    label: str
    cells: tuple[Cell, ...]

    @property
    def is_known(self) -> bool:
        """Whether the property is known of a model."""
        return any(cell.text != _UNKNOWN for cell in self.cells)

    @property
    def differs(self) -> bool:
        """Whether two models have different values."""
        return len({cell.text for cell in self.cells}) > 1


@dataclass(frozen=True, slots=True)
class Group:
    """Properties of one kind."""

    label: str
    lines: tuple[Line, ...]


def chosen_ids(catalogue: Catalogue, parameters: QueryDict, name: str) -> list[str]:
    """Return the IDs in the parameter, comma-separated or repeated, each once. An alias counts as its model."""
    given = (each.strip()[:_LONGEST_ID] for value in parameters.getlist(name) for each in value.split(","))
    found = (catalogue.find(each) or each for each in given if each)
    return list(dict.fromkeys(each if isinstance(each, str) else each.id for each in found))


def compare_query(ids: Sequence[str]) -> str:
    """Return the query string of the page that compares these models."""
    return urlencode({"models": ",".join(ids)}, safe=",/:~") if ids else ""


def matches(catalogue: Catalogue, text: str, without: Sequence[str]) -> list[ModelEntry]:
    """Return the models that a search finds, best first, without those that are compared."""
    found = find(catalogue, Query(q=text[:200], output_modalities=())).models
    return [model for model in found if model.id not in without and not model.alias_of][:_MOST_MATCHES]


def near(catalogue: Catalogue, model_id: str) -> list[ModelEntry]:
    """Return models whose IDs are like an unknown one."""
    return [catalogue.models[each] for each in get_close_matches(model_id.lower(), catalogue.models, n=3)]


def compare(models: Sequence[ModelEntry]) -> list[Group]:
    """Return all properties of the models, by kind. Lines that apply to none of them are left out."""
    groups = (
        ("Prices", _prices(models)),
        ("Limits", _limits(models)),
        ("Performance", _performance(models)),
        ("Providers", _providers(models)),
        ("Model", _facts(models)),
        ("Parameters", _parameters(models)),
    )
    known = ((label, tuple(line for line in lines if line.is_known)) for label, lines in groups)
    return [Group(label, lines) for label, lines in known if lines]


def _line(label: str, models: Sequence[ModelEntry], text: Callable[[ModelEntry], str]) -> Line:
    return Line(label, tuple(Cell(text(model) or _UNKNOWN) for model in models))


def _figures(
    label: str, values: Sequence[Number | None], text: Callable[[Number], str], mark: str = "", *, low: bool = False
) -> Line:
    """Return a line of figures. The best is marked if another one is known and worse."""
    known = {value for value in values if value is not None}
    best = (min(known) if low else max(known)) if len(known) > 1 else None
    cells = (Cell(_UNKNOWN) if value is None else Cell(text(value), mark if value == best else "") for value in values)
    return Line(label, tuple(cells))


def _prices(models: Sequence[ModelEntry]) -> Iterator[Line]:
    for name, (label, unit, count) in PRICES.items():
        # Zero is the price of a free model, and "does not apply" for any other.
        values = [
            price if price or (model.is_free and name in ("prompt", "completion")) else None
            for model in models
            for price in [getattr(model.prices, name)]
        ]
        yield _figures(f"{label}, per {unit}", values, partial(_price, count), "Cheapest", low=True)


def _price(count: int, price: Decimal) -> str:
    return format_price_per_million(price * count / 1_000_000) if price else "Free"


def _limits(models: Sequence[ModelEntry]) -> Iterator[Line]:
    def count(value: int) -> str:
        return f"{value:,}"

    yield _figures("Context, tokens", [model.context_length for model in models], count, "Largest")
    yield _figures("Max output, tokens", [model.max_completion_tokens for model in models], count, "Largest")
    yield _figures("Dimensions", [model.dimensions for model in models], count)


def _performance(models: Sequence[ModelEntry]) -> Iterator[Line]:
    known = [figures_of(measurements.of_models(), model) for model in models]
    yield _figures(
        "Latency", [each.latency_seconds for each in known], lambda value: f"{seconds(value)} s", "Fastest", low=True
    )
    yield _figures("Throughput", [each.throughput for each in known], lambda value: f"{value:.0f} tok/s", "Fastest")
    yield _figures("Uptime", [each.uptime for each in known], lambda value: f"{value:g}%", "Highest")
    yield _figures("Sound tool calls", [each.tool_success for each in known], lambda value: f"{value:g}%", "Highest")
    yield _figures("Tokens in 7 days", [each.usage.tokens or None for each in known], tokens, "Most used")


def _providers(models: Sequence[ModelEntry]) -> Iterator[Line]:
    yield _line("Providers", models, lambda model: ", ".join(dict.fromkeys(e.provider_name for e in _offered(model))))
    yield _line("Zero data retention", models, lambda model: _share(model, lambda each: each.keeps_nothing))
    yield _line("No training on prompts", models, lambda model: _share(model, lambda each: not each.trains))


def _offered(model: ModelEntry) -> list[EndpointEntry]:
    return [each for each in model.endpoints if each.configured or not model.is_offered]


def _share(model: ModelEntry, holds: Callable[[EndpointEntry], bool]) -> str:
    """Return how many of the model's providers an endpoint's property holds for."""
    every = {each.provider for each in _offered(model)}
    some = {each.provider for each in _offered(model) if holds(each)}
    return f"{len(some)} of {len(every)}"


def _facts(models: Sequence[ModelEntry]) -> Iterator[Line]:
    yield _line("Author", models, lambda model: model.author_name)
    yield _line("Input", models, lambda model: ", ".join(model.input_modalities).capitalize())
    yield _line("Output", models, lambda model: ", ".join(model.output_modalities).capitalize())
    yield _line("Reasoning", models, lambda model: "Yes" if model.reasoning else "No")
    yield _line("Added", models, lambda model: moments.day_text(datetime.fromtimestamp(model.created, UTC).date()))
    yield _line("Knowledge cutoff", models, lambda model: month_name(model.knowledge_cutoff))
    yield _line("Weights", models, lambda model: {True: "Open", False: "Closed", None: ""}[model.open_weights])
    yield _line("Tokenizer", models, lambda model: model.tokenizer)
    yield _line("Retires", models, lambda model: moments.day_text(model.expires_on) if model.expires_on else "")


def _parameters(models: Sequence[ModelEntry]) -> Iterator[Line]:
    for name in sorted(frozenset().union(*(model.supported_parameters for model in models))):
        yield _line(name, models, partial(_support, name))


def _support(parameter: str, model: ModelEntry) -> str:
    return "Yes" if parameter in model.supported_parameters else "No"
