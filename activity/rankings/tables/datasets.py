"""The rankings as data, for the API."""

from collections import defaultdict
from datetime import date
from itertools import chain
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from activity.models import App
from activity.rankings.sums import by_date, of_apps, of_contexts, of_models, of_uses
from models_catalog import catalog
from models_catalog.entries import ModelEntry

__all__ = ["MODALITIES", "MOST_MODELS", "OTHER", "DayOfModel", "models_by_date"]

#: Models of each day; the others are one row, which is called so.
MOST_MODELS, OTHER = 50, "other"
#: The models of a modality.
MODALITIES = {
    "text": lambda model: "text" in model.output_modalities,
    "image": lambda model: "image" in model.input_modalities,
    "image_output": lambda model: "image" in model.output_modalities,
    "audio": lambda model: "audio" in {*model.input_modalities, *model.output_modalities},
    "tool_calling": lambda model: "tools" in model.supported_parameters,
}


class DayOfModel(NamedTuple):
    """The tokens of a model in the day, week or month that begins on `day`."""

    day: date
    permaslug: str
    tokens: int


def models_by_date(
    bucket: str, start: date, end: date, *, modality: str = "", use: str = "", context: str = ""
) -> list[DayOfModel]:
    """Return the largest models of each date and then the others, oldest date first.

    With `use`, only requests with that use count, with `context` those whose prompts have that length; not with both.
    With `modality`, only models that have it.
    """
    parts: list[QuerySet[Any]] = _of_use(use) if use else [of_contexts(context) if context else of_models()]
    catalogue = catalog.current().complete
    sums: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for day, (model_id,), tokens in chain.from_iterable(
        by_date(rows, ("model",), bucket, start, end) for rows in parts
    ):
        model = catalogue.find(model_id)
        if not modality or (model and _has(model, modality)):
            sums[day][model.canonical_slug if model else model_id] += tokens
    found = []
    for day, models in sorted(sums.items()):
        ordered = sorted(models.items(), key=lambda each: (-each[1], each[0]))
        found += [DayOfModel(day, slug, tokens) for slug, tokens in ordered[:MOST_MODELS]]
        if rest := sum(tokens for _, tokens in ordered[MOST_MODELS:]):
            found.append(DayOfModel(day, OTHER, rest))
    return found


def _has(model: ModelEntry, modality: str) -> bool:
    return MODALITIES[modality](model)


def _of_use(use: str) -> list[QuerySet[Any]]:
    """Return the days of this use, or of a part of it: of classified requests, and of the other ones of its apps."""
    classified = Q(use=use) | Q(use__startswith=f"{use}/")
    apps = App.objects.exclude(use="", categories=[], sent_categories=[])
    chosen = [app.pk for app in apps if f"{app.used_for}/".startswith(f"{use}/")]
    return [of_apps(model__gt="").filter(classified | Q(use="", app__in=chosen)), of_uses().filter(classified)]
