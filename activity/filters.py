"""The dashboard's filters, read from the query string."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from typing import Any
from urllib.parse import quote_plus, urlencode

from django.db.models import Q
from django.http import QueryDict
from django.utils.functional import cached_property

from accounts.models import Organisation, User
from billing import spending
from billing.models import CreditAccount
from common.display.moments import zone_text

from .sums import rollups
from .sums.completed import Completed, completed
from .sums.dimensions import DIMENSIONS, GROUPS, picks_from, text_of
from .sums.picks import ANY, Pick, generations_where
from .times.periods import BUCKETS, CUSTOM, DEFAULT, PERIODS, Period, divided, period_between, period_named
from .times.ranges import EARLIEST, range_from

__all__ = ["DIMENSIONS", "GROUPS", "MEASURES", "Filter", "filter_from"]

#: Measures of the chart.
MEASURES = {"spend": "Spend", "requests": "Requests", "tokens": "Tokens"}


@dataclass(frozen=True)
class Filter:
    """One view of an account's usage. A dimension that is `ANY` doesn't restrict it.

    `range` is start and end of the period "custom", `typed` the texts it came from. `own_zone` is the reader's zone,
    `zone` the one that the view is in: the same, or UTC. `problems` names, by filter, what was ignored and why.
    """

    account: CreditAccount
    now: datetime
    period_name: str = DEFAULT
    model: Pick = ANY
    provider: Pick = ANY
    key: Pick = ANY
    app: Pick = ANY
    source: Pick = ANY
    member: Pick = ANY
    by: str = "model"
    show: str = "spend"
    zone: tzinfo = UTC
    bucket: str = ""
    range: tuple[datetime, datetime] | None = None
    typed: tuple[str, str] = ("", "")
    back: str = ""  # the period to return to from a custom one
    own_zone: tzinfo = UTC
    problems: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def period(self) -> Period:
        return self._divided[0]

    @property
    def notices(self) -> list[str]:
        """Sentences on what was ignored or is shown in another way than the address asks for."""
        return [*self.problems.values(), *([self._divided[1]] if self._divided[1] else [])]

    @cached_property
    def _divided(self) -> tuple[Period, str]:
        if self.period_name == CUSTOM and self.range:
            start, end = self.range
            first = rollups.first_hour(self.account) if start == EARLIEST else None
            period = period_between(min(max(first or start, start), end), end, self.zone)
        else:
            first = rollups.first_hour(self.account) if self.period_name == "all" else None
            period = period_named(self.period_name, self.now, first, self.zone)
        period, problem = divided(period, self.bucket)
        if period.bucket == "minute" and not rollups.countable(self.account, period.before or period.start, period.end):
            hours, _ = divided(period, "hour")
            return hours, "This period has too many requests to show it by minute. Choose a shorter one."
        return period, problem

    @cached_property
    def completed(self) -> Completed:
        """The account's days that are added up, for all reads of this view."""
        return completed(self.account)

    @property
    def rolled_until(self) -> datetime:
        """The end of these days."""
        return self.completed.until

    @property
    def picks(self) -> dict[str, Pick]:
        """The filters that restrict the view, by name in the query string."""
        return {name: pick for name in DIMENSIONS if (pick := getattr(self, name))}

    @cached_property
    def conditions(self) -> dict[str, object]:
        """The filters by column of usage: of `filter`, or `COLUMN__not_in`. `picks.usage_where` makes a Q of them."""
        return dict(pick.condition(DIMENSIONS[name]) for name, pick in self.picks.items())

    @cached_property
    def where(self) -> Q:
        """The condition of the Generation rows that match the filters, at any time."""
        return generations_where(self.conditions)

    def pairs(self, **changes: str) -> list[tuple[str, str]]:
        """Return the names and values of this view's query string with `changes`, without defaults."""
        values: dict[str, tuple[str, ...]] = {
            "period": (self.period_name,) if self.period_name not in (DEFAULT, CUSTOM) else (),
            "from": (self.typed[0],) if self.period_name == CUSTOM else (),
            "to": (self.typed[1],) if self.period_name == CUSTOM else (),
            "back": (self.back,) if self.period_name == CUSTOM else (),
            "bucket": (self.bucket,),
        }
        for name in DIMENSIONS:
            pick = getattr(self, name)
            values[name] = () if pick.excluded else pick.written
            values[f"not_{name}"] = pick.written if pick.excluded else ()
        values |= {
            "by": (self.by,) if self.by != "model" else (),
            "show": (self.show,) if self.show != "spend" else (),
            "zone": ("utc",) if self.query_zone else (),
        }
        for name, value in changes.items():
            values[name] = (value,)
        return [(name, value) for name, each in values.items() for value in each if value]

    def query(self, **changes: str) -> str:
        """Return the query string of this view with `changes`; defaults and empty values are omitted."""
        return urlencode(self.pairs(**changes))

    @property
    def query_unfiltered(self) -> str:
        """The query string of the same period without filters."""
        return self.everything().query()

    @property
    def query_all_time(self) -> str:
        """The query string of this view over all time."""
        return replace(self, period_name="all", bucket="").query()

    @property
    def query_of_logs(self) -> str:
        """The query string of the same requests in the logs."""
        edges = {"start": "", "end": "", "time": ""}
        if self.period_name in (CUSTOM, "month"):
            edges |= {"start": _written(self.period.start), "end": _written(self.period.end)}
        elif self.period_name != "all":
            edges["time"] = self.period_name
        left_out = dict.fromkeys(("period", "from", "to", "back", "bucket", "by", "show"), "")
        return self.query(**left_out, **edges)

    def everything(self) -> "Filter":
        """The same period without filters."""
        return replace(self, model=ANY, provider=ANY, key=ANY, app=ANY, source=ANY, member=ANY)

    def with_pick(self, name: str, pick: Pick) -> "Filter":
        """The same view with another filter in the dimension `name`."""
        changes: dict[str, Any] = {name: pick}
        return replace(self, **changes)

    @property
    def queries_by_bucket(self) -> list[str]:
        """The query strings of this view within each bucket of its period. A page has a hundred of them."""
        back = self.back if self.period_name == CUSTOM else self.period_name
        within = replace(self, period_name=CUSTOM, back=back if back != DEFAULT else "", bucket="", typed=("", ""))
        rest = f"&{query}" if (query := within.query()) else ""
        starts = list(self.period.buckets())
        moments = [quote_plus(_written(moment)) for moment in (*starts, self.period.following(starts[-1]))]
        return [f"from={start}&to={end}{rest}" for start, end in pairwise(moments)]

    @property
    def pairs_without_period(self) -> list[tuple[str, str]]:
        """The names and values of the query string without the period."""
        return self.pairs(**dict.fromkeys(("period", "from", "to", "back", "bucket"), ""))

    @property
    def query_zone(self) -> bool:
        """Whether the reader chose UTC over their own zone."""
        return self.zone is UTC and self.own_zone is not UTC

    @property
    def zone_name(self) -> str:
        """ "UTC" or "America/New York"."""
        return zone_text(self.zone)

    @property
    def other_zone_name(self) -> str:
        """The zone that one click leads to; empty for a reader in UTC."""
        return "" if self.own_zone is UTC else zone_text(self.own_zone if self.query_zone else UTC)

    @property
    def query_other_zone(self) -> str:
        """The query string of this view in the other zone."""
        return self.query(zone="" if self.query_zone else "utc")

    @property
    def query_back(self) -> str:
        """The query string of the period that a custom one was chosen in."""
        return replace(self, period_name=self.back or DEFAULT, back="", bucket="").query()

    @property
    def back_words(self) -> str:
        """ "30 days"."""
        return PERIODS[self.back or DEFAULT].lower()


def filter_from(query: QueryDict, organisation: Organisation, now: datetime, user: User | None = None) -> Filter:
    """Return the view of the query string, in the time zone of `user`. Invalid values are ignored.

    A key or member of another organization raises Http404.
    """
    by, show, bucket = (text_of(query, name) for name in ("by", "show", "bucket"))
    own_zone = user.zone if user else UTC
    own_zone = UTC if str(own_zone) == "UTC" else own_zone
    zone = UTC if query.get("zone") == "utc" else own_zone
    account = spending.account_of(organisation)
    problems: dict[str, str] = {}
    name, typed, between = text_of(query, "period"), (text_of(query, "from"), text_of(query, "to")), None
    if name not in PERIODS and any(typed):
        found = range_from(*typed, zone, now)
        if isinstance(found, str):
            problems["period"] = f"{found} The dates are ignored."
        else:
            name, between = CUSTOM, found
    back = text_of(query, "back")
    return Filter(
        account=account,
        now=now,
        period_name=name if between or name in PERIODS else DEFAULT,
        by=by if by in GROUPS else "model",
        show=show if show in MEASURES else "spend",
        zone=zone,
        bucket=bucket if bucket in BUCKETS else "",
        range=between,
        typed=typed,
        back=back if back in PERIODS else "",
        own_zone=own_zone,
        problems=problems,
        **dict(picks_from(query, organisation, account, problems)),
    )


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M}Z"
