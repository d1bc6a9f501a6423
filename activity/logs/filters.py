"""The filters of the logs, read from the query string."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict
from django.utils.functional import cached_property

from accounts.models import Organisation, User
from activity.filters import Filter, filter_from
from common.money import PICO_PER_USD
from gateway.models import USES, Generation

from .times import Span, local_text, moment_text, span_from

__all__ = ["STATUSES", "LogFilter", "log_filter_from"]

#: Outcomes of a request: value of `status` in the query string, label, condition.
STATUSES: dict[str, tuple[str, Q]] = {
    "running": ("Running", Q(pk__in=())),  # not a Generation yet
    "succeeded": ("Succeeded", Q(state=Generation.State.SETTLED, error_status=None, cancelled=False)),
    "failed": ("Failed", Q(error_status__isnull=False) | Q(state=Generation.State.RELEASED)),
    "stopped": ("Stopped", Q(cancelled=True)),
    "cached": ("From response cache", ~Q(response_cache_source_id="")),
}
#: Texts that must match a column exactly: name in the query string, which is the column's.
_TEXTS = ("finish_reason", "session_id", "external_user")
#: Ranges: name in the query string, column. Dollars become pico-USD, seconds milliseconds.
_RANGES = {"cost": "cost", "latency": "latency_ms"}
#: Parameters of the dashboard that the logs have no use for.
_OF_DASHBOARD = ("period", "from", "to", "back", "bucket", "by", "show")
LONGEST = 256
_MOST_MS = 2**31 - 1
_MOST_USD = Decimal(1_000_000)


@dataclass(frozen=True)
class LogFilter:
    """One view of an account's requests. `usage` has the filters that the dashboard has as well.

    `typed` has the texts as they were entered, the two moments in UTC, and `problems` a sentence for each that was not
    understood: such a filter restricts nothing.
    """

    usage: Filter
    span: Span
    typed: Mapping[str, str]
    conditions: Mapping[str, object] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        return self.typed["status"]

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set, the span of time included."""
        return any(name not in ("tab", "zone") for name, _ in self.pairs())

    @property
    def has_more(self) -> bool:
        """Whether a filter is set that the page keeps under "More filters"."""
        return any(value for name, value in self.typed.items() if name not in ("tab", "time", "status"))

    @property
    def scans(self) -> bool:
        """Whether matching requests may be rare, with no index that leads to them."""
        indexed = "session_id" in self.conditions
        return not indexed and bool(self.usage.conditions or self.conditions or self.status)

    @property
    def bounds(self) -> Q:
        """The condition that an index answers: the account and the span of time."""
        return Q(account=self.usage.account) & self.within_span

    @property
    def within_span(self) -> Q:
        """The condition of the span of time."""
        where = Q()
        if self.span.start:
            where &= Q(created_at__gte=self.span.start)
        if self.span.end:
            where &= Q(created_at__lt=self.span.end)
        return where

    @cached_property
    def where(self) -> Q:
        """The condition of the finished requests of this view."""
        where = self.bounds & self.usage.where & Q(**self.conditions)
        return where & STATUSES[self.status][1] if self.status else where

    def pairs(self, **changes: str) -> list[tuple[str, str]]:
        """Return the names and values of this view's query string with `changes`; empty values are omitted."""
        shared = self.usage.pairs(**dict.fromkeys(_OF_DASHBOARD, ""))
        own = [(name, value) for name, value in {**self.typed, **changes}.items() if value]
        return [*own, *(pair for pair in shared if pair[0] not in changes)]

    def query(self, **changes: str) -> str:
        """Return the query string of this view with `changes`; empty values are omitted."""
        return urlencode(self.pairs(**changes))

    @property
    def edges(self) -> list[tuple[str, str, str, str]]:
        """The fields of the two moments: name, label, text in the view's time zone, and the moment in UTC."""
        texts = ((name, label, self.typed[name]) for name, label in (("start", "From"), ("end", "To")))
        return [(name, label, local_text(text, self.usage.zone), text) for name, label, text in texts]

    @property
    def query_other_zone(self) -> str:
        """The query string of this view in the other zone."""
        return self.query(zone="" if self.usage.query_zone else "utc")

    @property
    def query_of_sessions(self) -> str:
        """The query string of the sessions of this view."""
        return self.query(tab="sessions")

    @property
    def query_of_requests(self) -> str:
        """The query string of the requests of this view."""
        return self.query(tab="")


def log_filter_from(query: QueryDict, organisation: Organisation, now: datetime, user: User | None = None) -> LogFilter:
    """Return the view of the query string. A key of another organization raises Http404.

    `start` and `end` are moments in UTC, or with an offset; `local_start` and `local_end`, which take precedence, come
    from a form and are in the view's time zone.
    """
    usage = filter_from(query, organisation, now, user)
    names = (
        "tab",
        "time",
        "start",
        "end",
        "status",
        "use",
        *_TEXTS,
        *(f"{name}_{edge}" for name in _RANGES for edge in _EDGES),
    )
    typed = {name: _text(query, name) for name in names}
    for edge in ("start", "end"):
        if f"local_{edge}" in query:
            local = _text(query, f"local_{edge}")
            typed[edge] = moment_text(local, typed[edge], usage.zone, closing=edge == "end")
    if typed["status"] not in STATUSES:
        typed["status"] = ""
    if typed["use"] not in USES:
        typed["use"] = ""
    if typed["tab"] != "sessions":
        typed["tab"] = ""
    span = span_from(typed["time"], typed["start"], typed["end"], now)
    problems = {name: problem for name, problem in usage.problems.items() if name != "period"}
    if span.problem:
        problems["time"] = f"{span.problem} This filter is ignored."
    conditions: dict[str, object] = {name: typed[name] for name in _TEXTS if typed[name]}
    if use := typed["use"]:
        conditions["use__in"] = [name for name in USES if f"{name}/".startswith(f"{use}/")]
    for name, column in _RANGES.items():
        for edge, lookup in _EDGES.items():
            text = typed[f"{name}_{edge}"]
            value = _number(name, text) if text else None
            if value is not None:
                conditions[f"{column}__{lookup}"] = value
            elif text:
                problems[name] = f"{_PROBLEMS[name]} This filter is ignored."
        low, high = (conditions.get(f"{column}__{lookup}") for lookup in _EDGES.values())
        if isinstance(low, int) and isinstance(high, int) and low > high:
            problems[name] = "The lower bound must not exceed the upper one. This filter is ignored."
    return LogFilter(usage, span, typed, conditions, problems)


_EDGES = {"from": "gte", "to": "lte"}
_PROBLEMS = {
    "cost": "Enter the cost in dollars, for example 0.05.",
    "latency": "Enter the latency in seconds, for example 1.5.",
}


def _number(name: str, text: str) -> int | None:
    """Return dollars as pico-USD, seconds as milliseconds; None if the text is neither, or absurd."""
    try:
        number = Decimal(text.lstrip("$").removesuffix("s").strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or number < 0:
        return None
    if name == "cost":
        return int(number * PICO_PER_USD) if number <= _MOST_USD else None
    return int(number * 1000) if number * 1000 <= _MOST_MS else None


def _text(query: QueryDict, name: str) -> str:
    text = query.get(name, "").strip()
    return text if len(text) <= LONGEST and text.isprintable() else ""
