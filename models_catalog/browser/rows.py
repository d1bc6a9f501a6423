"""Rows of the models page. A row that differs in nothing a reader sees is rendered once for each catalog."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.template.loader import get_template
from django.utils.safestring import SafeString

from common.display import moments
from models_catalog.entries import Catalogue, ModelEntry
from models_catalog.exclusions import Exclusion

from .figures import seconds, tokens
from .prepared import PerCatalogue
from .retirement import retirement
from .search.conditions import Figures, figures_of

__all__ = ["Reader", "rows"]

#: Rows kept of a catalog, of all readers and figures.
_MOST_KEPT = 5000


@dataclass(frozen=True, slots=True)
class Reader:
    """The parts of a request that rows depend on."""

    view: str  # "table", or empty for the list
    is_operator: bool
    excluded: Mapping[str, Exclusion]
    compared: frozenset[str]


_rendered: PerCatalogue[dict[tuple[object, ...], SafeString]] = PerCatalogue(lambda _: {})


def rows(catalogue: Catalogue, models: Iterable[ModelEntry], figures: Figures, reader: Reader) -> list[SafeString]:
    """Return the row of each model as HTML."""
    kept = _rendered(catalogue)
    template = get_template(f"models_catalog/partials/search/{'table_row' if reader.view else 'list_row'}.html")
    found = []
    for model in models:
        known = figures_of(figures, model)
        varying = {
            "exclusion": reader.excluded.get((model.alias_of or model).id),
            "is_operator": reader.is_operator,
            "is_compared": model.id in reader.compared,
            "latency": "" if known.latency_seconds is None else seconds(known.latency_seconds),
            "throughput": "" if known.throughput is None else f"{known.throughput:.0f}",
            "tokens": tokens(known.usage.tokens) if known.usage.tokens else "",
        }
        # Dates are written as the reader likes them.
        added = moments.day_text(datetime.fromtimestamp(model.created, UTC).date())
        key = (model.id, reader.view, added, retirement(model), *varying.values())
        if (row := kept.get(key)) is None:
            if len(kept) >= _MOST_KEPT:
                kept.clear()
            row = kept[key] = SafeString(template.render({"model": model, **varying}))
        found.append(row)
    return found
