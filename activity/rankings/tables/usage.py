"""The tokens of a model, or of an author's models, in the last days, for the pages of the catalog."""

from collections.abc import Mapping
from dataclasses import dataclass

from activity.models import ModelDay
from activity.rankings.periods import PERIODS, Period
from activity.rankings.standings import CHARTED
from activity.rankings.sums import by_bucket
from common.clock import utc_now
from models_catalog import catalog

from .boards import Chart, chart_of

__all__ = ["Usage", "of_author", "of_model"]

#: A chart of 30 days.
_PERIOD = PERIODS["day"]


@dataclass(frozen=True, slots=True)
class Usage:
    """The chart, None without a token; `tokens` by model, and their `total`, in all of its days."""

    chart: Chart | None
    period: Period
    tokens: Mapping[str, int]
    total: int


def of_model(model_id: str) -> Usage:
    """Return the tokens of a model, prompts and completions apart."""
    today = utc_now().date()
    starts = _PERIOD.starts(today)
    at = {day: index for index, day in enumerate(starts)}
    prompt, completion = [0] * len(starts), [0] * len(starts)
    rows = ModelDay.objects.filter(model=model_id, day__gte=starts[0], day__lte=today)
    for day, prompts, completions in rows.values_list("day", "prompt_tokens", "completion_tokens"):
        prompt[at[day]], completion[at[day]] = prompts, completions
    total = sum(prompt) + sum(completion)
    names = {"prompt": "Prompt", "completion": "Completion"}
    chart = chart_of(_PERIOD, today, {"prompt": prompt, "completion": completion}, names) if total else None
    return Usage(chart, _PERIOD, {model_id: total}, total)


def of_author(author: str) -> Usage:
    """Return the tokens of the author's models; those with the most tokens have a color."""
    today = utc_now().date()
    rows = ModelDay.objects.filter(model__startswith=f"{author}/").order_by()
    values = {key[0]: added for key, added in by_bucket(rows, ("model",), _PERIOD, today).items()}
    tokens = {model: total for model, added in values.items() if (total := sum(added))}
    largest = sorted(tokens, key=lambda model: (-tokens[model], model))[:CHARTED]
    known = catalog.current().models
    names = {model: known[model].short_name if model in known else model for model in largest}
    return Usage(chart_of(_PERIOD, today, values, names) if tokens else None, _PERIOD, tokens, sum(tokens.values()))
