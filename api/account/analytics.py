"""`/api/v1/analytics`: sums of usage by any two dimensions and by time."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Literal

from django.http import HttpResponse
from ninja import Router, Schema

from accounts.models import Organisation, User
from activity.analytics import query as analytics
from activity.analytics.measures import DIMENSIONS, GRANULARITIES, METRICS, Dimension
from activity.analytics.query import Answer, Query
from activity.names import names_of
from api.responses import KeyRequest, json_response, organisation_of
from billing import spending
from common.clock import monotonic, utc_now
from common.money import as_usd
from common.storage import replica

from .analytics_query import AnalyticsQuery, parsed

router = Router(tags=["Analytics"])

OPERATORS = {"eq": "scalar", "neq": "scalar", "in": "array", "not_in": "array"}


class AnalyticsName(Schema):
    name: str
    display_label: str


class AnalyticsMetric(AnalyticsName):
    """A rate is null where it is undefined, and rates of several rows do not add up."""

    is_rate: bool
    display_format: Literal["number", "currency", "percent", "latency", "throughput"]


class AnalyticsGranularity(AnalyticsName):
    name: Literal["hour", "day", "week", "month"]


class AnalyticsOperator(Schema):
    name: Literal["eq", "neq", "in", "not_in"]
    value_type: Literal["scalar", "array"]


class AnalyticsMetaData(Schema):
    metrics: list[AnalyticsMetric]
    dimensions: list[AnalyticsName]
    operators: list[AnalyticsOperator]
    granularities: list[AnalyticsGranularity]


class AnalyticsMeta(Schema):
    data: AnalyticsMetaData


class AnalyticsMetadata(Schema):
    """`truncated` is true if `limit` left out rows."""

    query_time_ms: float
    row_count: int
    truncated: bool


class AnalyticsData(Schema):
    """Each row has the query's metrics and dimensions by name, and `date__<granularity>`.

    A dimension is null for requests without a value. API keys and users are shown by their names; `api_key_hash`,
    `user_id` and `user_email` identify them.
    """

    data: list[dict[str, Any]]
    metadata: AnalyticsMetadata
    warnings: list[str] | None = None


class Analytics(Schema):
    data: AnalyticsData


@router.get(
    "/analytics/meta",
    response=AnalyticsMeta,
    operation_id="getAnalyticsMeta",
    summary="Get available analytics metrics and dimensions",
)
def get_meta(request: KeyRequest) -> HttpResponse:
    """Return the metrics, dimensions, operators and granularities of analytics queries."""
    return json_response(
        {
            "data": {
                "metrics": [
                    {"name": name, "display_label": each.label, "is_rate": each.is_rate, "display_format": each.format}
                    for name, each in METRICS.items()
                ],
                "dimensions": [{"name": name, "display_label": each.label} for name, each in DIMENSIONS.items()],
                "operators": [{"name": name, "value_type": kind} for name, kind in OPERATORS.items()],
                "granularities": [{"name": name, "display_label": each.label} for name, each in GRANULARITIES.items()],
            }
        }
    )


@router.post("/analytics/query", response=Analytics, operation_id="queryAnalytics", summary="Query analytics data")
@replica.reads
def query(request: KeyRequest, asked: AnalyticsQuery) -> HttpResponse:
    """Return sums of the organization's usage, up to this moment. Buckets are in UTC; weeks start on Monday."""
    began = monotonic()
    organisation = organisation_of(request)
    found = parsed(asked, organisation, utc_now())
    answer = analytics.run(found.query, spending.account_of(organisation))
    data: dict[str, Any] = {
        "data": _rows_json(answer, found.query, organisation),
        "metadata": {
            "query_time_ms": round(1000 * (monotonic() - began), 3),
            "row_count": len(answer.buckets),
            "truncated": answer.truncated,
        },
    }
    warnings = found.warnings
    if answer.truncated:
        warnings = [*warnings, f"Only the first {found.query.limit:,} rows are here. Raise limit, or narrow the query."]
    return json_response({"data": data | ({"warnings": warnings} if warnings else {})})


def _rows_json(answer: Answer, asked: Query, organisation: Organisation) -> list[dict[str, Any]]:
    columns: dict[str, Iterable[Any]] = {}
    if asked.granularity:
        dates = {bucket: _date(bucket, asked.granularity) for bucket in set(answer.buckets)}
        columns[f"date__{asked.granularity}"] = [dates[bucket] for bucket in answer.buckets]
    stored = [dimension for dimension in asked.dimensions if dimension.column]
    for dimension, values in zip(stored, answer.values, strict=True):
        cells = _CELLS.get(dimension.name, _plain)(dimension, set(values), organisation)
        columns |= {name: [shown[value] for value in values] for name, shown in cells.items()}
    if len(stored) < len(asked.dimensions):
        columns["workspace"] = [organisation.workspace_id] * len(answer.buckets)
    for metric, figures in zip(asked.metrics, answer.figures, strict=True):
        columns[metric.name] = map(as_usd, figures) if metric.format == "currency" else figures
    names = tuple(columns)
    return [dict(zip(names, row)) for row in zip(*columns.values(), strict=True)]  # noqa: B905 there are thousands


def _date(bucket: datetime, granularity: str) -> str:
    return f"{bucket:%Y-%m-%dT%H:%M:%SZ}" if granularity == "hour" else f"{bucket:%Y-%m-%d}"


#: The cells that show each value of a dimension, by their names.
_Cells = dict[str, dict[Any, str | None]]


def _plain(dimension: Dimension, values: set[Any], organisation: Organisation) -> _Cells:
    return {dimension.name: {value: value or None for value in values}}


def _keys(dimension: Dimension, values: set[Any], organisation: Organisation) -> _Cells:
    names = names_of(dimension.column, values, organisation)
    return {
        dimension.name: {value: names[value].label if value else None for value in values},
        "api_key_hash": {value: names[value].parameter or None for value in values},
    }


def _users(dimension: Dimension, values: set[Any], organisation: Organisation) -> _Cells:
    users = User.objects.in_bulk([value for value in values if value])
    unknown = {value: "Deleted user" if value else None for value in values - users.keys()}
    none = dict.fromkeys(unknown)
    return {
        dimension.name: unknown | {value: user.name or user.email for value, user in users.items()},
        "user_id": none | {value: user.public_id for value, user in users.items()},
        "user_email": none | {value: user.email for value, user in users.items()},
    }


_CELLS: dict[str, Callable[[Dimension, set[Any], Organisation], _Cells]] = {"api_key_id": _keys, "user": _users}
