"""The content of the rankings' pages: who is ranked where, with share and growth, and the chart of a longer time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from activity.dashboard import charts
from activity.dashboard.formats import change, compact
from activity.models import USE_OF, USES, App, RankedDay
from common.clock import utc_now
from models_catalog import catalog

from .periods import Period
from .sums import Totals, by_bucket, of_apps, of_models, totals

__all__ = ["BY", "Board", "Row", "app_rows", "board_of", "chart_of", "counted_at", "model_rows"]

#: What the page ranks: value of `by` in the query string, tab, and the word for one of them.
BY = {"model": ("Models", "Model"), "author": ("Authors", "Author"), "app": ("Apps", "App"), "use": ("Uses", "Use")}
#: Rows of a table; the others are one row.
MOST_ROWS = 50
#: The use of apps without a category.
NO_USE = "Not categorized"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a ranking. `share` is in percent of all; `css` is its color in the chart, if it has one."""

    rank: int  # 0 for "Other"
    label: str
    url: str
    note: str  # below the label
    tokens: int
    requests: int
    share: int
    growth: str
    css: str = ""
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One bucket in the table below the chart."""

    label: str
    values: list[str]
    total: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of tokens by bucket, and the same as a table."""

    picture: charts.StackedBars
    table: list[Line]


@dataclass(frozen=True, slots=True)
class Board:
    """A whole ranking."""

    rows: list[Row]
    chart: Chart
    total: Totals


def counted_at() -> Any:
    """Return the moment of the newest count; None before the first."""
    return RankedDay.objects.order_by("-day").values_list("as_of", flat=True).first()


def board_of(by: str, period: Period) -> Board:
    """Return the ranking of models, authors, apps or uses."""
    today = utc_now().date()
    rows: QuerySet[Any] = of_models() if by in {"model", "author"} else of_apps()
    columns = {"app": ("app_id",), "use": ("app__use", "app__categories")}.get(by, (by,))
    found = totals(rows, columns, period.days, today)
    if by == "use":
        found = _merged(found, lambda key: use_of(*key))
    else:
        found = [replace(each, key=each.key[0]) for each in found]
    top = [each.key for each in found[: charts.MOST_SERIES]]
    everything = None
    if by == "use":
        values = _added(by_bucket(rows, columns, period, today), lambda key: use_of(*key))
    elif by == "author":
        values = {key[0]: added for key, added in by_bucket(rows, columns, period, today).items()}
    else:
        some = rows.filter(**{f"{columns[0]}__in": top})
        values = {key[0]: added for key, added in by_bucket(some, columns, period, today).items()}
        everything = by_bucket(rows, (), period, today).get(())
    describe = {"model": _model, "author": _author, "app": _apps(found), "use": _use}[by]
    labels = {each: describe(each)[0] for each in top}
    chart = chart_of(period, today, values, labels, everything)
    ranked = _ranked(found, describe, chart)
    total = Totals(None)
    for each in found:
        total.add(each)
    return Board(ranked, chart, total)


def chart_of(
    period: Period,
    today: date,
    values: Mapping[Any, Sequence[int]],
    labels: Mapping[Any, str],
    everything: Sequence[int] | None = None,
) -> Chart:
    """Return the chart of the keys of `labels`. What `everything`, or else all of `values`, has beyond is "Other"."""
    starts = period.starts(today)
    nothing = [0] * len(starts)
    series = [charts.Series(label, values.get(key, nothing), key=key) for key, label in labels.items()]
    everything = everything or [sum(column) for column in zip(nothing, *values.values(), strict=True)]
    shown = [sum(column) for column in zip(nothing, *(one.values for one in series), strict=True)]
    full_labels = [period.full_label_of(start, today) for start in starts]
    picture = charts.stacked_bars(
        series,
        [period.label_of(start) for start in starts],
        full_labels,
        value_text=lambda count: f"{count:,}",
        tick_text=compact,
        rest=[all_of_it - part for all_of_it, part in zip(everything, shown, strict=True)],
    )
    table = [
        Line(label, [f"{one.values[at]:,}" for _, one in picture.series], picture.columns[at].total)
        for at, label in enumerate(full_labels)
    ]
    return Chart(picture, table)


def app_rows(found: Sequence[Totals], apps: Mapping[int, App]) -> list[Row]:
    """Return the rows of these apps; `key` of each is the app's ID."""
    return _ranked(found, lambda key: _app(apps[key]), None)


def model_rows(found: Sequence[Totals], chart: Chart) -> list[Row]:
    """Return the rows of these models; `key` of each is the model's ID."""
    return _ranked(found, _model, chart)


def use_of(use: str, categories: Iterable[str]) -> str:
    """Return the use of apps with these fields of `App`; empty if it is not known."""
    return use or next((USE_OF[each] for each in categories if each in USE_OF), "")


#: Label, URL, note and whether it is verified.
_Description = tuple[str, str, str, bool]


def _ranked(found: Sequence[Totals], describe: Callable[[Any], _Description], chart: Chart | None) -> list[Row]:
    everything = sum(each.tokens for each in found)
    colors = {series.key: css for css, series in chart.picture.series} if chart else {}
    rows = []
    for rank, each in enumerate(found[:MOST_ROWS], 1):
        label, url, note, verified = describe(each.key)
        css = colors.get(each.key, "k9" if chart else "")
        rows.append(_row(rank, (label, url, note, verified), each, everything, css))
    if rest := found[MOST_ROWS:]:
        other = Totals(None)
        for each in rest:
            other.add(each)
        rows.append(_row(0, (f"Other ({len(rest)})", "", "", False), other, everything, "k9"))
    return rows


def _row(rank: int, description: _Description, sums: Totals, everything: int, css: str) -> Row:
    label, url, note, verified = description
    share = round(sums.tokens * 100 / everything) if everything else 0
    growth = change(sums.now, sums.before)
    return Row(rank, label, url, note, sums.tokens, sums.requests, share, growth, css, verified)


def _model(key: str) -> _Description:
    model = catalog.current().find(key)
    if model is None:
        return key, "", "", False
    return model.name, reverse("models_catalog:model", args=[model.author, model.slug]), key, False


def _author(key: str) -> _Description:
    name = catalog.current().authors.get(key)
    return name or key, f"{reverse('models_catalog:models')}?model_authors={key}" if name else "", "", False


def _use(key: str) -> _Description:
    return USES.get(key, NO_USE), "", "", False


def _app(app: App) -> _Description:
    note = app.slug if app.title != app.slug else ""
    return app.title, reverse("activity:app", args=[app.slug]), note, app.verified


def _apps(found: Sequence[Totals]) -> Callable[[int], _Description]:
    apps: dict[int, App] = {}

    def describe(key: int) -> _Description:
        if not apps:
            apps.update(App.objects.in_bulk([each.key for each in found[:MOST_ROWS]]))
        return _app(apps[key])

    return describe


def _merged(found: Iterable[Totals], key_of: Callable[[Any], Any]) -> list[Totals]:
    merged: dict[Any, Totals] = {}
    for each in found:
        key = key_of(each.key)
        merged.setdefault(key, Totals(key)).add(each)
    return sorted(merged.values(), key=lambda each: (-each.tokens, each.key))


def _added(values: Mapping[Any, Sequence[int]], key_of: Callable[[Any], Any]) -> dict[Any, list[int]]:
    added: dict[Any, list[int]] = {}
    for key, mine in values.items():
        known = added.get(key_of(key), [0] * len(mine))
        added[key_of(key)] = [one + other for one, other in zip(known, mine, strict=True)]
    return added
