"""Keys, models and apps that spend far more than usual."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median_low

from activity.filters import Filter
from activity.names import names_of
from common.money import PICO_PER_USD

from .spending import Spending

__all__ = ["Anomaly", "anomalies_of"]

#: Spending is told when it is this many times the usual, and at least the floor, in pico-USD.
TIMES = 5
FLOOR = PICO_PER_USD
#: Earlier days or weeks with spending that make something usual.
ENOUGH = {1: 3, 7: 2}
#: The days or weeks that are compared with.
EARLIER = {1: 28, 7: 4}
MOST = 5
_WORDS = {"key_id": "API key", "model": "Model", "app": "App"}
_PARAMETERS = {"key_id": "key", "model": "model", "app": "app"}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One key, model or app: pico-USD that it spent, and usually spends. `query` narrows the page to it."""

    word: str
    label: str
    when: str  # "today", "yesterday", "in the last 7 days"
    spent: int
    usual: int
    query: str

    @property
    def times(self) -> int:
        """Whole times the usual amount; 0 if that is too many to be read."""
        times = self.spent // self.usual
        return times if times < 1000 else 0


@dataclass(frozen=True, slots=True)
class _Jump:
    column: str
    value: int | str
    when: str
    spent: int
    usual: int


def anomalies_of(view: Filter, spending: Spending) -> list[Anomaly]:
    """Return at most five, the largest first.

    Today (so far), yesterday and the last 7 days are compared, in this order, with the median of the earlier days or
    weeks in which the same key, model or app spent anything; a new one has nothing usual and is not told.
    """
    jumps = [
        jump
        for column, subjects in spending.by.items()
        for value, days in subjects.items()
        if value or column == "key_id"  # requests without an app are many programs
        for jump in _first_jump(column, value, days)
    ]
    jumps.sort(key=lambda jump: (jump.usual - jump.spent, jump.column, str(jump.value)))
    jumps = jumps[:MOST]
    names = {
        column: names_of(column, [jump.value for jump in jumps if jump.column == column], view.account.organisation)
        for column in {jump.column for jump in jumps}
    }
    found = []
    for jump in jumps:
        name = names[jump.column][jump.value]
        narrowed = {_PARAMETERS[jump.column]: name.parameter} if name.parameter else {}
        if jump.column == "key_id" and not jump.value:
            narrowed = {"source": "chat"}
        query = view.query(period="7d", **narrowed) if narrowed else ""
        word = "" if narrowed.get("source") else _WORDS[jump.column]
        found.append(Anomaly(word, name.label, jump.when, jump.spent, jump.usual, query))
    return found


def _first_jump(column: str, value: int | str, days: dict[int, int]) -> Iterator[_Jump]:
    """Yield the first of today, yesterday and the last week that jumps, if any."""
    for when, newest, length in (("today", 0, 1), ("yesterday", 1, 1), ("in the last 7 days", 0, 7)):
        spent = _sum(days, newest, length)
        if spent < FLOOR:  # as most do
            continue
        earlier = [_sum(days, newest + length * (each + 1), length) for each in range(EARLIER[length])]
        usual = [cost for cost in earlier if cost]
        if len(usual) >= ENOUGH[length] and spent >= TIMES * median_low(usual):
            yield _Jump(column, value, when, spent, median_low(usual))
            return


def _sum(days: dict[int, int], newest: int, length: int) -> int:
    return sum(days.get(age, 0) for age in range(newest, newest + length))
