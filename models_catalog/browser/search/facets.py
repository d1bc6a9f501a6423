"""Filters and sort orders of the models page."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from models_catalog.browser.figures import per_million, tokens
from models_catalog.browser.prepared import PerCatalogue
from models_catalog.entries import Catalogue
from models_catalog.reference.parameters import FILTERABLE

from .browse import AGE_STEPS, CONTEXT_STEPS, PRICE_STEPS, Found
from .chips import category_label
from .query import CATEGORIES, INDICES, INPUT_MODALITIES, REGIONS, VARIANTS, Query

__all__ = ["SORT_LABELS", "Column", "Facet", "Option", "column_links", "facets", "hidden_inputs"]

#: Sort orders, in the order of the menu.
SORT_LABELS = {
    "": "Newest",
    "top-weekly": "Most used",
    "pricing-low-to-high": "Price: low to high",
    "pricing-high-to-low": "Price: high to low",
    "context-high-to-low": "Context: high to low",
    "throughput-high-to-low": "Throughput: high to low",
    "latency-low-to-high": "Latency: low to high",
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
    folded: bool = False  # closed until one of its options is chosen

    @property
    def open(self) -> bool:
        """Whether the page shows the options at first."""
        return not self.folded or any(each.chosen and each.value for each in self.options)

    @property
    def long(self) -> bool:
        return len(self.options) > 15


@dataclass(frozen=True, slots=True)
class Column:
    """A sortable column. `order` is the value of `aria-sort`, or empty."""

    link: str
    order: str


def facets(catalogue: Catalogue, query: Query, found: Found) -> list[Facet]:
    """The filters of the page."""

    def boxes(name: str, label: str, options: Iterable[tuple[str, str]], *, folded: bool = False) -> Facet:
        chosen, counts = {each.lower() for each in getattr(query, name)}, found.counts[name]
        rows = tuple(Option(value, text, counts[value], value.lower() in chosen) for value, text in options)
        return Facet(name, name, label, "checkbox", rows, folded)

    def box(name: str, heading: str, label: str, *, folded: bool = False) -> Facet:
        option = Option("true", label, found.counts[name]["true"], bool(getattr(query, name)))
        return Facet(name, name, heading, "checkbox", (option,), folded)

    categories = [
        each
        for each in CATEGORIES
        if each in query.category or any(each in known.usage.categories for known in found.figures.values())
    ]

    return [
        _outputs(query, found),
        boxes("input_modalities", "Input", ((each, each.capitalize()) for each in INPUT_MODALITIES)),
        _contexts(query, found),
        _prices(query, found),
        _ages(query, found),
        boxes("supported_parameters", "Parameters", ((each, each) for each in FILTERABLE)),
        boxes("model_authors", "Author", catalogue.authors.items()),
        boxes("providers", "Provider", ((slug, each.name) for slug, each in catalogue.offering_providers.items())),
        boxes("variant", "Variant", ((each, each.capitalize()) for each in VARIANTS)),
        *([boxes("category", "Category", ((each, category_label(each)) for each in categories))] if categories else ()),
        box("zdr", "Data policy", "Zero data retention"),
        boxes("region", "Region", ((each, each.upper()) for each in REGIONS), folded=True),
        boxes("arch", "Tokenizer", ((each, each) for each in _tokenizers(catalogue)), folded=True),
        box("distillable", "Training", "Output may train models", folded=True),
    ]


def column_links(query: Query, **state: str) -> dict[str, Column]:
    """Return for each sortable column the query string that sorts by it, and its current order."""
    cheap, dear = query.sort == "pricing-low-to-high", query.sort == "pricing-high-to-low"
    deep = query.sort == "context-high-to-low"
    newest = query.sort == "newest" or not (query.sort or query.q)

    def link(sort: str) -> str:
        return replace(query, sort=sort).encoded(**state)

    return {
        "context": Column(link("context-high-to-low"), "descending" if deep else ""),
        "price": Column(
            link("pricing-high-to-low" if cheap else "pricing-low-to-high"),
            "ascending" if cheap else "descending" if dear else "",
        ),
        "used": Column(link("top-weekly"), "descending" if query.sort in ("top-weekly", "most-popular") else ""),
        "latency": Column(link("latency-low-to-high"), "ascending" if query.sort == "latency-low-to-high" else ""),
        "throughput": Column(
            link("throughput-high-to-low"), "descending" if query.sort == "throughput-high-to-low" else ""
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
        label = f"Up to {per_million(step)}" if step else "Free"
        options.append(Option(f"{step:f}", label, count, query.max_price == step))
    return Facet("max_price", "max_price", "Prompt price per million", "radio", tuple(options))


def _ages(query: Query, found: Found) -> Facet:
    """Return the age steps, and the current maximum age if it is none of them."""
    counts = found.counts["max_age_days"]
    options = [Option("", "Any", counts["any"], query.max_age_days is None)]
    for step in sorted({*AGE_STEPS} | ({query.max_age_days} if query.max_age_days is not None else set())):
        count = counts[str(step)] if step in AGE_STEPS else len(found.models)
        label = "Last year" if step == 365 else f"Last {step} day{'' if step == 1 else 's'}"
        options.append(Option(str(step), label, count, step == query.max_age_days))
    return Facet("max_age_days", "max_age_days", "Added", "radio", tuple(options))


def _tokenizers_in_use(catalogue: Catalogue) -> list[str]:
    """Return the tokenizers of the catalog's models: those of a family by name, then the others."""
    return sorted({model.tokenizer for model in catalogue.listed}, key=lambda each: (each in _NO_FAMILY, each.lower()))


_NO_FAMILY = ("Other", "Router")
_tokenizers = PerCatalogue(_tokenizers_in_use)


def hidden_inputs(query: Query) -> list[tuple[str, str]]:
    """Return the filters without a control on the page. The form carries them along."""
    scores = (f"{bound}_{score}" for bound in ("min", "max") for score in ("tool_success_rate", *INDICES))
    kept = {"min_price", "min_output_price", "max_output_price", "min_age_days", *scores}
    refused = ("distillable", "false")
    return [each for each in query.parameters() if each[0] in kept or each == refused]
