"""The body of an analytics query, and the query that it asks for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AwareDatetime, Field

from accounts.models import Organisation
from activity.analytics.measures import DIMENSIONS, GRANULARITIES, METRICS, Dimension
from activity.analytics.query import Query
from common.clock import hour_of
from common.errors import InvalidRequest
from keys.models import ApiKey

__all__ = ["AnalyticsQuery", "Parsed", "parsed"]

#: Rows of an answer, by default and at most.
ROWS, MOST_ROWS = 1000, 10_000
#: Values of one filter, and the length of each.
MOST_VALUES, LONGEST_VALUE = 500, 200
DEFAULT_RANGE = timedelta(days=7)
#: The years of moments that any time zone can express.
YEARS = range(1970, 9999)

Scalar = str | float


class AnalyticsFilter(Schema):
    """A restriction of one dimension.

    `in` and `not_in` leave out requests without a value, unless `include_unset` is true. API keys are named by their
    hash, users and the workspace by their ID, other dimensions by the values of the rows.
    """

    field: str
    operator: str
    value: Scalar | Annotated[list[Scalar], Field(max_length=MOST_VALUES)]
    include_unset: bool | None = None


class AnalyticsOrder(Schema):
    """A metric of the query or `request_count`, one of its dimensions, or `date`."""

    field: str
    direction: Literal["asc", "desc"]


class AnalyticsTimeRange(Schema):
    """From `start` to before `end`. It is widened to whole hours."""

    start: AwareDatetime
    end: AwareDatetime


class AnalyticsQuery(Schema):
    """The metrics to add up, and how to divide, filter and order them. The time range is the last 7 days by default.

    `limit` is the most rows of the answer, `group_limit` of each combination of dimensions. Without `order_by` the
    newest rows are first, or without `granularity` those with the largest first metric.
    """

    metrics: Annotated[list[str], Field(min_length=1, max_length=len(METRICS))]
    dimensions: Annotated[list[str], Field(max_length=2, default_factory=list)]
    filters: Annotated[list[AnalyticsFilter], Field(max_length=20, default_factory=list)]
    granularity: str | None = None
    time_range: AnalyticsTimeRange | None = None
    order_by: AnalyticsOrder | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = None
    group_limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = None
    classifier_dimensions: dict[str, Any] | None = None
    classifier_filters: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A query, and what its caller should know of it."""

    query: Query
    warnings: list[str]


def parsed(asked: AnalyticsQuery, organisation: Organisation, now: datetime) -> Parsed:
    """Return the query of a body. Raises InvalidRequest that names the field, the cause and the remedy."""
    for name in ("classifier_dimensions", "classifier_filters"):
        if getattr(asked, name) is not None:
            raise InvalidRequest(f"{name}: this site has no classifiers. Leave it out.")
    metrics = [_named("metrics", name, METRICS) for name in _once("metrics", asked.metrics)]
    dimensions = [_named("dimensions", name, DIMENSIONS) for name in _once("dimensions", asked.dimensions)]
    granularity = ""
    if asked.granularity is not None:
        granularity = _named("granularity", asked.granularity, GRANULARITIES).name
    start, end, warnings = _range(asked.time_range, now)
    allowed, excluded = _restrictions(asked.filters, organisation)
    order_by: Any = "date" if granularity else metrics[0]
    descending = True
    if asked.order_by is not None:
        descending = asked.order_by.direction == "desc"
        orders: dict[str, Any] = {each.name: each for each in (METRICS["request_count"], *metrics, *dimensions)}
        if granularity:
            orders["date"] = "date"
        order_by = _named("order_by.field", asked.order_by.field, orders, "Use one of: " + ", ".join(orders) + ".")
    query = Query(
        metrics=metrics,
        dimensions=dimensions,
        start=start,
        end=end,
        granularity=granularity,
        order_by=order_by,
        descending=descending,
        limit=asked.limit or (MOST_ROWS if granularity and dimensions else ROWS),
        group_limit=asked.group_limit,
        allowed=allowed,
        excluded=excluded,
    )
    return Parsed(query, warnings)


def _named(place: str, name: str, known: Mapping[str, Any], remedy: str = "") -> Any:
    if name in known:
        return known[name]
    if name == "minute" and known is GRANULARITIES:
        raise InvalidRequest("granularity: usage is kept by the hour. Use hour or a coarser granularity.")
    near = get_close_matches(name[:LONGEST_VALUE].lower(), known, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    remedy = remedy or "GET /api/v1/analytics/meta lists them."
    raise InvalidRequest(f"{place}: {_shown(name)} is unknown.{hint} {remedy}")


def _once(place: str, names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise InvalidRequest(f"{place}: a name stands there twice. Name each once.")
    return names


def _range(asked: AnalyticsTimeRange | None, now: datetime) -> tuple[datetime, datetime, list[str]]:
    """Return the start and end as whole UTC hours, and a warning if they were not."""
    hour = timedelta(hours=1)
    if asked is None:
        return hour_of(now - DEFAULT_RANGE), hour_of(now) + hour, []
    if not (asked.start.year in YEARS and asked.end.year in YEARS):
        raise InvalidRequest(f"time_range: years must be between {YEARS[0]} and {YEARS[-1]}.")
    if asked.start >= asked.end:
        raise InvalidRequest("time_range: start must be before end.")
    start, end = hour_of(asked.start), hour_of(asked.end)
    if end < asked.end:
        end += hour
    widened = (start, end) != (asked.start, asked.end)
    text = f"time_range was widened to whole hours: {_iso(start)} to {_iso(end)}."
    return start, end, [text] if widened else []


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _restrictions(
    filters: Iterable[AnalyticsFilter], organisation: Organisation
) -> tuple[dict[str, set[Any]], dict[str, set[Any]]]:
    """Return the values that columns may and must not have. All filters apply at once."""
    allowed: dict[str, set[Any]] = {}
    excluded: dict[str, set[Any]] = {}
    for index, each in enumerate(filters):
        place = f"filters.{index}"
        dimension = _named(f"{place}.field", each.field, DIMENSIONS)
        values = _values(place, each, dimension, organisation)
        if each.operator in {"eq", "in"}:
            allowed[dimension.column] = allowed.get(dimension.column, values) & values
        else:
            excluded.setdefault(dimension.column, set()).update(values)
    # The workspace has no column: there is one, and usage is either its own or not.
    if "" in allowed | excluded:
        own = {organisation.workspace_id}
        if not own & allowed.pop("", own) - excluded.pop("", set()):
            allowed["model"] = set()
    return allowed, excluded


def _values(place: str, each: AnalyticsFilter, dimension: Dimension, organisation: Organisation) -> set[Any]:
    """Return the stored values that a filter names. Raises InvalidRequest."""
    many = isinstance(each.value, list)
    if each.operator not in {"eq", "neq", "in", "not_in"}:
        raise InvalidRequest(
            f"{place}.operator: {_shown(each.operator)} is not available, because dimensions are names. "
            "Use eq, neq, in or not_in."
        )
    if many != (each.operator in {"in", "not_in"}):
        wanted = "a text" if many else "a list"
        raise InvalidRequest(f"{place}.value: the operator {each.operator} takes {wanted}.")
    if each.include_unset is not None and not many:
        raise InvalidRequest(f"{place}.include_unset: only the operators in and not_in take it. Leave it out.")
    texts = [_text(place, value) for value in (each.value if isinstance(each.value, list) else [each.value])]
    values = _stored(place, texts, dimension, organisation)
    if many and (each.include_unset or False) == (each.operator == "in"):
        values.add(dimension.unset)
    return values


def _text(place: str, value: Scalar) -> str:
    text = value if isinstance(value, str) else f"{value:g}"
    if not text or len(text) > LONGEST_VALUE or not text.isprintable():
        raise InvalidRequest(f"{place}.value: a value has 1 to {LONGEST_VALUE} printable characters.")
    return text


def _stored(place: str, texts: list[str], dimension: Dimension, organisation: Organisation) -> set[Any]:
    """Return what is stored for keys' hashes and users' IDs. Those of others are as unknown as those of none."""
    known: dict[str, int]
    if dimension.column == "key_id":
        # Includes deleted keys: their history stays.
        known = dict(ApiKey.objects.filter(organisation=organisation, hash__in=texts).values_list("hash", "pk"))
    elif dimension.column == "user_id":
        known = dict(organisation.members.filter(public_id__in=texts).values_list("public_id", "pk"))
    else:
        return {*texts}
    if unknown := [text for text in texts if text not in known]:
        named = {"key_id": "API key has the hash", "user_id": "member has the ID"}[dimension.column]
        raise InvalidRequest(f"{place}.value: no {named} {_shown(unknown[0])} in this organization.")
    return {known[text] for text in texts}


def _shown(text: str) -> str:
    """Return a client's text for a message: quoted, and short."""
    return repr(text if len(text) <= 60 else text[:59] + "…")
