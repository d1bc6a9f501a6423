"""The contents of the PDFs: a page with the summary first, then a table for each dimension."""

from accounts.models import Organisation
from activity import usage
from activity.dashboard.formats import change
from activity.dashboard.summary import chips_of, options_of
from activity.filters import GROUPS, MEASURES, Filter
from common.display.moments import moment_text
from common.money import PicoUsd, format_cents, format_exact_usd

from .breakdown import Breakdown, breakdown_of
from .monthly import MonthReport
from .paper import Paper

__all__ = ["of_month", "of_view"]


def of_month(report: MonthReport) -> bytes:
    """Return a month's report as PDF."""
    so_far = " so far" if report.is_running else ""
    paper = Paper(f"Usage in {report.month.words}{so_far}", report.organisation.name, report.made_at)
    _summary(paper, report.total, "the month before")
    statement, closing = report.statement, "Balance now" if report.is_running else "Closing balance"
    paper.heading("Balance")
    changes = [(f"{line.label} ({line.count:,})", _exact(line.amount)) for line in statement.lines]
    paper.pairs(
        [
            ("Opening balance", _exact(statement.opening)),
            *(changes if report.shows_ledger else [("Credits", _exact(statement.credits))]),
            ("Usage", _exact(-statement.usage)),
            (closing, _exact(statement.closing)),
        ],
        strong=(closing,),
    )
    if report.shows_ledger and statement.fees:
        paper.note(f"Platform fees of {format_cents(statement.fees)} were paid on top of the purchased credits.")
    if discount := report.total.total.discount:
        paper.note(f"Usage is after {_exact(discount)} of discounts on logged requests.")
    paper.note("Months are calendar months in UTC. A request counts in the month in which it began.")
    for breakdown in report.breakdowns:
        _table(paper, breakdown)
    return paper.finished()


def of_view(view: Filter, organisation: Organisation) -> bytes:
    """Return the dashboard's view as PDF."""
    period = view.period
    paper = Paper(f"Usage: {period.words}", organisation.name, view.now)
    paper.note(
        f"From {moment_text(period.start, period.zone)} to {moment_text(min(period.end, view.now), period.zone)}."
    )
    paper.pairs([("Grouped by", GROUPS[view.by][1]), ("Sorted by", MEASURES[view.show]), *_filters(view, organisation)])
    breakdown = breakdown_of(view, organisation)
    _summary(paper, breakdown, f"the {period.words} before")
    by_bucket = usage.report(view).by_bucket if breakdown.total.requests else {}
    values = [sums.measure(view.show) for sums in by_bucket.values()]
    if values:
        labels = [period.full_label(bucket) for bucket in by_bucket]
        paper.bars(f"{MEASURES[view.show]} per {period.bucket}", values, labels[0], labels[-1])
    _table(paper, breakdown)
    return paper.finished()


def _summary(paper: Paper, breakdown: Breakdown, span: str) -> None:
    total, before = breakdown.total, breakdown.before

    def compared(value: str, now: int, then: int) -> str:
        return f"{value} ({change(now, then)} vs {span})" if now and then else value

    past = before or usage.Sums()
    paper.heading("Summary")
    paper.pairs(
        [
            ("Spend", compared(_exact(total.cost), total.cost, past.cost)),
            ("Requests", compared(f"{total.requests:,}", total.requests, past.requests)),
            ("Failed requests", f"{total.failures:,}"),
            ("Tokens", compared(f"{total.tokens:,}", total.tokens, past.tokens)),
            ("Prompt tokens", f"{total.prompt_tokens:,}"),
            ("Completion tokens", f"{total.completion_tokens:,}"),
            ("Cached prompt tokens", f"{total.cached_tokens:,}"),
        ]
    )


def _table(paper: Paper, breakdown: Breakdown) -> None:
    word = breakdown.word
    paper.heading(f"By {word if word.isupper() or word[:2].isupper() else word.lower()}", on_new_page=True)
    rows = [_cells(name, sums) for name, sums in breakdown.rows]
    if breakdown.others:
        rows.append(_cells(f"{breakdown.others:,} {'other' if breakdown.others == 1 else 'others'}", breakdown.rest))
    paper.rows((word, "Spend (USD)", "Requests", "Tokens in", "Tokens out"), rows, _cells("Total", breakdown.total))


def _cells(name: str, sums: usage.Sums) -> tuple[str, ...]:
    counts = (sums.requests, sums.prompt_tokens, sums.completion_tokens)
    return (name, _exact(sums.cost), *(f"{count:,}" for count in counts))


def _filters(view: Filter, organisation: Organisation) -> list[tuple[str, str]]:
    """Return the name of each filter with its values, or all but its values."""
    chips = chips_of(view, options_of(view, organisation)) if view.conditions else []
    texts: dict[str, list[str]] = {}
    for chip in chips:
        texts.setdefault(f"{chip.dimension} (all but)" if chip.excluded else chip.dimension, []).append(chip.label)
    return [(name, ", ".join(labels)) for name, labels in texts.items()]


def _exact(pico: int) -> str:
    return format_exact_usd(PicoUsd(pico))
