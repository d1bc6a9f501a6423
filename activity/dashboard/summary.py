"""The dashboard's content: usage for one view, formatted and drawn for the page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from accounts.models import Organisation
from activity import usage
from activity.filters import DIMENSIONS, GROUPS, MEASURES, Filter
from activity.names import Name, names_of
from activity.sums.picks import ANY, Pick
from common.money import PicoUsd, format_exact_usd, format_usd

from . import charts
from .formats import change, compact, short_dollars

__all__ = ["Chip", "Dashboard", "chips_of", "dashboard_of", "options_of"]

#: Rows of the breakdown.
MOST_ROWS = 50


@dataclass(frozen=True, slots=True)
class Tile:
    """One headline figure. `exact` has every digit; `change` compares with the previous period."""

    label: str
    value: str
    exact: str = ""
    change: str = ""
    note: str = ""
    spark: str = ""


class Row(NamedTuple):
    """One row of the breakdown, which is also the chart's legend, as texts.

    `swatch` and `bar` are color classes: those of the chart, or "none" and that of "Other" for what is not in it.
    """

    swatch: str
    bar: str
    query: str  # of the view that shows this one alone; empty: there is none
    label: str
    share: str  # of the measure: "12%"
    exact: str
    spend: str
    requests: str
    tokens_in: str
    tokens_out: str


class Option(NamedTuple):
    """One choice of a filter."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Chip:
    """One value that restricts the view, and the query string of the view without it."""

    dimension: str
    label: str
    excluded: bool
    query: str


class Line(NamedTuple):
    """One bucket in the table below the chart; `query` narrows the view to it."""

    query: str
    label: str
    values: list[str]
    total: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything on the page above the list of requests."""

    report: usage.Report
    tiles: list[Tile]
    picture: charts.StackedBars
    table: list[Line]  # the picture as text
    bars: list[tuple[str, str, str]]  # left edge and width of each bucket of the picture, and its query string
    rows: list[Row]  # of the largest groups
    measure: str
    group_word: str


def dashboard_of(view: Filter, organisation: Organisation) -> Dashboard:
    """Return the dashboard for one view, read from the rollups."""
    report = usage.report(view)
    column, word = GROUPS[view.by]
    names = names_of(column, [group.value for group in report.groups], organisation)
    write = _exact if view.show == "spend" else _with_separators
    picture = _picture(view, report, names, write)
    queries = view.queries_by_bucket
    return Dashboard(
        report=report,
        tiles=_tiles(view, report),
        picture=picture,
        table=_table(picture, queries, write),
        bars=[(column.left, column.width, query) for column, query in zip(picture.columns, queries, strict=True)],
        rows=_rows(view, report, names, picture),
        measure=MEASURES[view.show],
        group_word=word,
    )


def options_of(view: Filter, organisation: Organisation) -> dict[str, list[Option]]:
    """Return each filter's choices: the values that occur in the period, and the chosen ones."""
    found = usage.choices(view)
    options = {}
    for parameter, column in DIMENSIONS.items():
        chosen = set(getattr(view, parameter).values)
        values = {*found[column], *chosen} - {0, ""}
        names = names_of(column, values, organisation) if values else {}
        options[parameter] = [
            Option(names[value].parameter, names[value].label, value in chosen)
            for value in sorted(values, key=lambda value: names[value].label.lower())
            if names[value].parameter
        ]
    return options


def chips_of(view: Filter, options: dict[str, list[Option]]) -> list[Chip]:
    """Return what restricts the view, value by value, with the names of `options`."""
    chips = []
    for name, pick in view.picks.items():
        labels = {option.value: option.label for option in options[name]}
        for text in pick.written:
            rest = [each for each in zip(pick.values, pick.written, strict=True) if each[1] != text]
            values, written = zip(*rest, strict=True) if rest else ((), ())
            query = view.with_pick(name, Pick(values, written, pick.excluded)).query()
            chips.append(Chip(GROUPS[name][1], labels.get(text, text), pick.excluded, query))
    return chips


def _picture(
    view: Filter, report: usage.Report, names: dict[Any, Name], write: Callable[[int], str]
) -> charts.StackedBars:
    buckets = list(view.period.buckets())
    series = []
    for group in report.groups:
        values = dict.fromkeys(buckets, 0)
        values |= {bucket: sums.measure(view.show) for bucket, sums in group.by_bucket.items()}
        series.append(charts.Series(names[group.value].label, [*values.values()], key=group.value))
    return charts.stacked_bars(
        series,
        [view.period.label(bucket) for bucket in buckets],
        [view.period.full_label(bucket) for bucket in buckets],
        value_text=write,
        tick_text=short_dollars if view.show == "spend" else compact,
    )


def _table(picture: charts.StackedBars, queries: list[str], write: Callable[[int], str]) -> list[Line]:
    nothing = write(0)  # as most cells of a short range
    lines = []
    for bucket, column in enumerate(picture.columns):
        values = [series.values[bucket] for _, series in picture.series]
        cells = [write(value) if value else nothing for value in values]
        lines.append(Line(queries[bucket], column.label, cells, column.total))
    return lines


def _rows(view: Filter, report: usage.Report, names: dict[Any, Name], picture: charts.StackedBars) -> list[Row]:
    colours = {series.key: css for css, series in picture.series if css != charts.OTHER}
    total = report.total.measure(view.show)
    rows = []
    for group in report.groups[:MOST_ROWS]:
        name, sums, measure = names[group.value], group.total, group.total.measure(view.show)
        css = colours.get(group.value, charts.OTHER) if measure else ""
        alone = Pick((group.value,), (name.parameter,)) if name.parameter else ANY
        rows.append(
            Row(
                swatch=css or "none",
                bar=css or charts.OTHER,
                query=view.with_pick(view.by, alone).query() if alone else "",
                label=name.label,
                share=f"{round(measure * 100 / total) if total else 0}%",
                exact=_exact(sums.cost),
                spend=format_usd(PicoUsd(sums.cost)),
                requests=compact(sums.requests),
                tokens_in=compact(sums.prompt_tokens),
                tokens_out=compact(sums.completion_tokens),
            )
        )
    return rows


def _tiles(view: Filter, report: usage.Report) -> list[Tile]:
    now, before = report.total, report.before
    buckets = report.by_bucket.values()
    cached = now.cached_percent
    return [
        Tile(
            "Spend",
            format_usd(PicoUsd(now.cost)),
            exact=_exact(now.cost),
            change=change(now.cost, before.cost) if before else "",
            note=f"{_exact(now.cost)} exactly",
            spark=charts.sparkline([sums.cost for sums in buckets]),
        ),
        Tile(
            "Requests",
            _with_separators(now.requests),
            change=change(now.requests, before.requests) if before else "",
            note=f"{now.failures:,} failed" if now.failures else "",
            spark=charts.sparkline([sums.requests for sums in buckets]),
        ),
        Tile(
            "Tokens",
            compact(now.tokens),
            exact=_with_separators(now.tokens),
            change=change(now.tokens, before.tokens) if before else "",
            note=f"{compact(now.prompt_tokens)} in, {compact(now.completion_tokens)} out",
            spark=charts.sparkline([sums.tokens for sums in buckets]),
        ),
        Tile(
            "Cached tokens",
            "–" if cached is None else f"{cached}%",
            note=f"{compact(now.cached_tokens)} of {compact(now.prompt_tokens)} prompt tokens",
            spark=charts.sparkline([sums.cached_tokens for sums in buckets]),
        ),
    ]


def _exact(pico: int) -> str:
    return format_exact_usd(PicoUsd(pico))


def _with_separators(count: int) -> str:
    return f"{count:,}"
