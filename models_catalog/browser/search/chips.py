"""Active filters of the models page, with links that remove them."""

from dataclasses import dataclass, replace
from decimal import Decimal

from models_catalog.browser.figures import per_million, tokens
from models_catalog.entries import Catalogue

from .browse import Found
from .query import Query

__all__ = ["Chip", "category_label", "chips", "suggestions"]

_LABELS = {
    "input_modalities": "Input",
    "output_modalities": "Output",
    "supported_parameters": "Parameter",
    "arch": "Tokenizer",
    "model_authors": "Author",
    "providers": "Provider",
    "variant": "Variant",
}

_MOST_SUGGESTIONS = 5
_BOUNDS = {"min": "from", "max": "up to"}


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter, and the query string without it."""

    label: str
    without: str
    count: int = 0  # models that it keeps out
    several: bool = False  # it stands for several filters that keep models out together


def chips(catalogue: Catalogue, query: Query, **state: str) -> list[Chip]:
    """Return the active filters, each with the query string that removes it and keeps the page's `state`."""
    active = [("q", query.q)] if query.q else []
    active += query.filters
    return [
        Chip(
            _wording(catalogue, name, value),
            query.without(name, value if value in _values(query, name) else "").encoded(**state),
        )
        for name, value in active
    ]


def _values(query: Query, name: str) -> tuple[str, ...]:
    value = getattr(query, name)
    return value if isinstance(value, tuple) else ()


def suggestions(catalogue: Catalogue, query: Query, found: Found, **state: str) -> list[Chip]:
    """Return the fewest filters whose removal gives results, most results first."""
    fewest = min(map(len, found.nearly), default=0)
    offers = [(filters, count) for filters, count in found.nearly.most_common() if len(filters) == fewest]
    return [_offer(catalogue, query, filters, count, **state) for filters, count in offers[:_MOST_SUGGESTIONS]]


def _offer(catalogue: Catalogue, query: Query, filters: tuple[tuple[str, str], ...], count: int, **state: str) -> Chip:
    less, labels = query, []
    for name, value in filters:
        before, less = less, less.without(name, value)
        if name == "output_modalities":  # without it, the page shows models that write text
            less = replace(less, output_modalities=())
        remaining = [("q", less.q), *less.filters]
        dropped = [pair for pair in [("q", before.q), *before.filters] if pair not in remaining]
        labels += [_wording(catalogue, *pair) for pair in dropped or [(name, ",".join(before.output_modalities))]]
    return Chip(", ".join(labels), less.encoded(**state), count, several=len(filters) > 1)


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
            return f"{what} price {direction} {per_million(Decimal(value))} per million"
        case "zdr":
            return "Zero data retention"
        case "distillable":
            return "Output may train models" if value == "true" else "Output may not train models"
        case "category":
            return f"Category: {category_label(value)}"
        case "region":
            return f"Region: {value.upper()}"
        case "min_age_days":
            return f"At least {value} days old"
        case "max_age_days":
            return f"At most {value} days old"
        case _ if name.endswith("_tool_success_rate"):
            return f"Sound tool calls {_BOUNDS[name[:3]]} {(100 * Decimal(value)).normalize():f}%"
        case _ if name.endswith("_index"):
            return f"{name[4:].replace('_', ' ').capitalize()} {_BOUNDS[name[:3]]} {value}"
        case "model_authors":
            value = catalogue.authors.get(value, value)
        case "providers" if value in catalogue.providers:
            value = catalogue.providers[value].name
    return f"{_LABELS[name]}: {value}"


def category_label(category: str) -> str:
    """Return the name of a category for people."""
    return {"marketing/seo": "SEO"}.get(category, category.capitalize())
