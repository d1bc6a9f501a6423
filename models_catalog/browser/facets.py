"""Filters of the models page, and labels of the active filters."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from common.money import format_price_per_million
from models_catalog.entries import Catalogue
from models_catalog.parameters import FILTERABLE

from .browse import CONTEXT_STEPS, PRICE_STEPS, Found
from .figures import tokens
from .query import INPUT_MODALITIES, VARIANTS, Query

__all__ = [
    "SORT_LABELS",
    "Chip",
    "Column",
    "Facet",
    "Option",
    "chips",
    "column_links",
    "facets",
    "hidden_inputs",
    "suggestions",
]

#: Sort orders, in the order of the menu.
SORT_LABELS = {
    "": "Newest",
    "pricing-low-to-high": "Price: low to high",
    "pricing-high-to-low": "Price: high to low",
    "context-high-to-low": "Context: high to low",
}

#: Output modalities that a model of the catalog may have.
_OUTPUTS = {
    "text": "Text",
    "image": "Image",
    "audio": "Audio",
    "embeddings": "Embeddings",
    "rerank": "Rerank",
    "all": "Any",
}

_LABELS = {
    "input_modalities": "Input",
    "output_modalities": "Output",
    "supported_parameters": "Parameter",
    "arch": "Tokenizer",
    "model_authors": "Author",
    "providers": "Provider",
    "variant": "Variant",
}


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a facet, and the number of models with it."""

    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """A group of options. `name` is the query parameter; `key` names its counts."""

    key: str
    name: str
    label: str
    kind: str  # "checkbox" or "radio"
    options: tuple[Option, ...]

    @property
    def long(self) -> bool:
        return len(self.options) > 15


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter, and the query string without it."""

    label: str
    without: str
    count: int = 0  # models that the filter alone keeps out


@dataclass(frozen=True, slots=True)
class Column:
    """A sortable column. `order` is the value of `aria-sort`, or empty."""

    link: str
    order: str


def facets(catalogue: Catalogue, query: Query, found: Found) -> list[Facet]:
    """The filters of the page."""

    def boxes(name: str, label: str, options: Iterable[tuple[str, str]]) -> Facet:
        chosen, counts = getattr(query, name), found.counts[name]
        rows = tuple(Option(value, text, counts[value], value in chosen) for value, text in options)
        return Facet(name, name, label, "checkbox", rows)

    return [
        _outputs(query, found),
        boxes("input_modalities", "Input", ((each, each.capitalize()) for each in INPUT_MODALITIES)),
        _contexts(query, found),
        _prices(query, found),
        boxes("supported_parameters", "Parameters", ((each, each) for each in FILTERABLE)),
        boxes("model_authors", "Author", catalogue.authors.items()),
        boxes("providers", "Provider", ((slug, each.name) for slug, each in catalogue.offering_providers.items())),
        boxes("variant", "Variant", ((each, each.capitalize()) for each in VARIANTS)),
        Facet(
            "zdr",
            "zdr",
            "Data policy",
            "checkbox",
            (Option("true", "Zero data retention", found.counts["zdr"]["true"], query.zdr),),
        ),
    ]


def column_links(query: Query, view: str) -> dict[str, Column]:
    """Return for each sortable column the query string that sorts by it, and its current order."""
    cheap, dear = query.sort == "pricing-low-to-high", query.sort == "pricing-high-to-low"
    deep = query.sort == "context-high-to-low"
    newest = query.sort == "newest" or not (query.sort or query.q)

    def link(sort: str) -> str:
        return replace(query, sort=sort).encoded(view=view)

    return {
        "context": Column(link("context-high-to-low"), "descending" if deep else ""),
        "price": Column(
            link("pricing-high-to-low" if cheap else "pricing-low-to-high"),
            "ascending" if cheap else "descending" if dear else "",
        ),
        "added": Column(link("newest"), "descending" if newest else ""),
    }


def _outputs(query: Query, found: Found) -> Facet:
    """Return the kinds of models: by default those that write text, and the current choice if it is none of them."""
    counts, current = found.counts["output_modalities"], query.output_modalities
    chosen = ",".join(current) or "all"
    options = [
        Option("" if value == "text" else value, label, counts[value], value == chosen)
        for value, label in _OUTPUTS.items()
    ]
    if chosen not in _OUTPUTS:
        options.append(Option(chosen, ", ".join(current).capitalize(), len(found.models), chosen=True))
    return Facet("output_modalities", "output_modalities", "Output", "radio", tuple(options))


def _contexts(query: Query, found: Found) -> Facet:
    steps = sorted({*CONTEXT_STEPS, query.context} - {0})
    counts = found.counts["context"]
    options = [Option("", "Any", counts["0"], not query.context)]
    for step in steps:
        count = counts[str(step)] if step in CONTEXT_STEPS else len(found.models)
        options.append(Option(str(step), f"{tokens(step)} and more", count, step == query.context))
    return Facet("context", "context", "Context length", "radio", tuple(options))


def _prices(query: Query, found: Found) -> Facet:
    """Return the price steps, and the current upper price if it is none of them."""
    counts = found.counts["max_price"]
    options = [Option("", "Any", counts["any"], query.max_price is None)]
    known = {step.normalize() for step in PRICE_STEPS}
    for step in sorted(known | ({query.max_price.normalize()} if query.max_price is not None else set())):
        count = counts[f"{step:f}"] if step in known else len(found.models)
        label = f"Up to {_per_million(step)}" if step else "Free"
        options.append(Option(f"{step:f}", label, count, query.max_price == step))
    return Facet("max_price", "max_price", "Prompt price per million", "radio", tuple(options))


def hidden_inputs(query: Query) -> list[tuple[str, str]]:
    """Return the filters without a control on the page. The form carries them along."""
    kept = {"min_price", "min_output_price", "max_output_price", "arch", "min_age_days", "max_age_days"}
    return [(name, value) for name, value in query.parameters() if name in kept]


def chips(catalogue: Catalogue, query: Query, view: str = "") -> list[Chip]:
    """Return the active filters, each with the query string that removes it."""
    active = [("q", query.q)] if query.q else []
    active += query.filters
    return [
        Chip(
            _wording(catalogue, name, value),
            query.without(name, value if value in _values(query, name) else "").encoded(view=view),
        )
        for name, value in active
    ]


def _values(query: Query, name: str) -> tuple[str, ...]:
    value = getattr(query, name)
    return value if isinstance(value, tuple) else ()


def suggestions(catalogue: Catalogue, query: Query, found: Found, view: str = "") -> list[Chip]:
    """Return the filters whose removal alone gives results, most results first."""
    offers = []
    for (name, value), count in found.nearly.most_common(5):
        less = query.without(name, value)
        dropped = [pair for pair in [("q", query.q), *query.filters] if pair not in [("q", less.q), *less.filters]]
        label = ", ".join(_wording(catalogue, *pair) for pair in dropped)
        offers.append(Chip(label, less.encoded(view=view), count))
    return offers


def _wording(catalogue: Catalogue, name: str, value: str) -> str:
    match name:
        case "q":
            return f"“{value}”"
        case "context":
            return f"Context {tokens(int(value))} or more"
        case "max_price" if Decimal(value) == 0:
            return "Free"
        case "min_price" | "max_price" | "min_output_price" | "max_output_price":
            direction = "from" if name.startswith("min") else "up to"
            what = "Completion" if "output" in name else "Prompt"
            return f"{what} price {direction} {_per_million(Decimal(value))} per million"
        case "zdr":
            return "Zero data retention"
        case "min_age_days":
            return f"At least {value} days old"
        case "max_age_days":
            return f"At most {value} days old"
        case "model_authors":
            value = catalogue.authors.get(value, value)
        case "providers" if value in catalogue.providers:
            value = catalogue.providers[value].name
    return f"{_LABELS[name]}: {value}"


def _per_million(price: Decimal) -> str:
    return format_price_per_million(price / 1_000_000)
