"""Content of the rankings pages: ranks with shares and growth, and a chart over a longer period."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from activity.dashboard import charts
from activity.dashboard.formats import change, compact
from activity.models import USES, App, RankedDay, Standing
from activity.rankings.periods import Period
from activity.rankings.standings import CHARTED
from activity.rankings.sums import Totals
from models_catalog import catalog

__all__ = [
    "BY", "Board", "Row", "app_rows", "board_of", "chart_of", "counted_at", "model_rows", "rows_of", "top_apps",
]  # fmt: skip

#: What the page ranks: value of `by` in the query string, tab, and the word for one of them.
BY = {"model": ("Models", "Model"), "author": ("Authors", "Author"), "app": ("Apps", "App"), "use": ("Uses", "Use")}
#: Rows of a table; the others are one row.
MOST_ROWS = 50


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
    chart: Chart | None
    total: Standing | None


def counted_at() -> Any:
    """Return the moment of the newest count; None before the first."""
    return RankedDay.objects.order_by("-day").values_list("as_of", flat=True).first()


def board_of(by: str, period: Period) -> Board:
    """Return the ranking of models, authors, apps or uses, read in one query."""
    standings = _shown(Standing.objects.filter(period=period.name, kind=by, rank__lte=MOST_ROWS))
    everything, found = (standings[0], standings[1:]) if standings else (None, [])
    if everything is None or not found:
        return Board([], None, everything)
    labels = {each.rank: _described(each)[0] for each in found if each.rank <= CHARTED}
    over_time = {each.rank: each.values for each in found}
    chart = chart_of(period, everything.day, over_time, labels, everything.values)
    rows = rows_of(found, everything, chart)
    if (rest := everything.tokens - sum(each.tokens for each in found)) > 0:
        requests = everything.requests - sum(each.requests for each in found)
        rows.append(Row(0, "Other", "", "", rest, requests, _share(rest, everything.tokens), "", "k9"))
    return Board(rows, chart, everything)


def top_apps(period: Period, most: int) -> list[Row]:
    """Return the first apps of a period."""
    return rows_of(_shown(Standing.objects.filter(period=period.name, kind="app", rank__range=(1, most))))


def rows_of(found: Sequence[Standing], everything: Standing | None = None, chart: Chart | None = None) -> list[Row]:
    """Return the rows of these places, with their share of `everything` and their colors in the chart."""
    colors = {series.key: css for css, series in chart.picture.series} if chart else {}
    rows = []
    for each in found:
        label, url, note, verified = _described(each)
        share = _share(each.tokens, everything.tokens) if everything else 0
        css = colors.get(each.rank, charts.OTHER if chart else "")
        growth = change(each.now, each.before)
        rows.append(Row(each.rank, label, url, note, each.tokens, each.requests, share, growth, css, verified))
    return rows


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
    return [_row(rank, _app(apps[each.key]), each, 0, "") for rank, each in enumerate(found, 1)]


def model_rows(found: Sequence[Totals], everything: Totals, chart: Chart) -> list[Row]:
    """Return the rows of these models; `key` of each is the model's ID."""
    colors = {series.key: css for css, series in chart.picture.series}
    return [
        _row(rank, _model(each.key), each, everything.tokens, colors.get(each.key, charts.OTHER))
        for rank, each in enumerate(found, 1)
    ]


#: Label, URL, note and whether it is verified.
_Description = tuple[str, str, str, bool]


def _shown(standings: QuerySet[Standing]) -> list[Standing]:
    """Return the places in order, without apps that were blocked or merged since they were computed."""
    ordered = standings.select_related("app").order_by("rank")
    return [each for each in ordered if each.app is None or not (each.app.blocked or each.app.merged_into_id)]


def _row(rank: int, description: _Description, sums: Totals, everything: int, css: str) -> Row:
    label, url, note, verified = description
    growth = change(sums.now, sums.before)
    return Row(
        rank, label, url, note, sums.tokens, sums.requests, _share(sums.tokens, everything), growth, css, verified
    )


def _share(tokens: int, everything: int) -> int:
    return round(tokens * 100 / everything) if everything else 0


def _described(standing: Standing) -> _Description:
    if standing.app:
        return _app(standing.app)
    return {"model": _model, "author": _author, "use": _use}[standing.kind](standing.key)


def _model(key: str) -> _Description:
    model = catalog.current().find(key)
    if model is None:
        return key, "", "", False
    return model.name, reverse("models_catalog:model", args=[model.author, model.slug]), key, False


def _author(key: str) -> _Description:
    name = catalog.current().authors.get(key)
    return name or key, reverse("models_catalog:author", args=[key]) if name else "", "", False


def _use(key: str) -> _Description:
    return USES.get(key, "Not categorized"), "", "", False


def _app(app: App) -> _Description:
    note = app.slug if app.title != app.slug else ""
    return app.title, reverse("activity:app", args=[app.slug]), note, app.verified
