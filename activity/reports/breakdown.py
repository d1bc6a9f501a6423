"""Usage by model, key or member in a table of bounded length."""

from dataclasses import dataclass

from accounts.models import Organisation
from activity import usage
from activity.filters import GROUPS, Filter
from activity.names import names_of

__all__ = ["MOST_ROWS", "Breakdown", "breakdown_of"]

#: Rows of a table. The rest is one line, so that a report stays a document.
MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The largest groups of a view, each with its name, and the sum of the others: `total` is all of them together."""

    word: str  # of the dimension: "API key"
    rows: list[tuple[str, usage.Sums]]
    others: int
    rest: usage.Sums  # of the others
    total: usage.Sums
    before: usage.Sums | None  # the total of the span before, if the view has one


def breakdown_of(view: Filter, organisation: Organisation, most: int = MOST_ROWS) -> Breakdown:
    """Return the usage of the view by its dimension, largest measure first, read from the rollups."""
    column, word = GROUPS[view.by]
    report = usage.report(view)
    shown, others = report.groups[:most], report.groups[most:]
    names = names_of(column, [group.value for group in shown], organisation)
    rest = usage.Sums()
    for group in others:
        rest.add(group.total)
    rows = [(names[group.value].label, group.total) for group in shown]
    return Breakdown(word, rows, len(others), rest, report.total, report.before)
