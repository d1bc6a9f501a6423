"""`/api/v1/analytics`: sums of usage by any two dimensions and by time."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from django.http import HttpResponse
from ninja import Router, Schema

from accounts.models import Organisation, User
from activity.analytics import query as analytics
from activity.analytics.measures import DIMENSIONS, GRANULARITIES, METRICS, Dimension
from activity.analytics.query import Query, Row
from activity.names import names_of
from api.responses import KeyRequest, json_response, organisation_of
from billing import spending
from common.clock import monotonic, utc_now
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
        "data": _rows_json(answer.rows, found.query, organisation),
        "metadata": {
            "query_time_ms": round(1000 * (monotonic() - began), 3),
            "row_count": len(answer.rows),
            "truncated": answer.truncated,
        },
    }
    warnings = found.warnings
    if answer.truncated:
        warnings = [*warnings, f"Only the first {found.query.limit:,} rows are here. Raise limit, or narrow the query."]
    return json_response({"data": data | ({"warnings": warnings} if warnings else {})})


def _rows_json(rows: Sequence[Row], asked: Query, organisation: Organisation) -> list[dict[str, Any]]:
    stored = [each for each in asked.dimensions if each.column]
    labels = [_labels(each, {row.values[place] for row in rows}, organisation) for place, each in enumerate(stored)]
    constant = {"workspace": organisation.workspace_id} if len(stored) < len(asked.dimensions) else {}
    dates: dict[datetime, dict[str, Any]] = {
        bucket: {f"date__{asked.granularity}": _date(bucket, asked.granularity)} if asked.granularity else {}
        for bucket in {row.bucket for row in rows}
    }
    metrics = [metric.name for metric in asked.metrics]
    made = []
    for row in rows:
        cells = dates[row.bucket].copy()
        for of_values, value in zip(labels, row.values, strict=True):
            cells |= of_values[value]
        cells |= constant
        cells |= zip(metrics, row.figures, strict=False)  # a row may have one more, that of its order
        made.append(cells)
    return made


def _date(bucket: datetime, granularity: str) -> str:
    return f"{bucket:%Y-%m-%dT%H:%M:%SZ}" if granularity == "hour" else f"{bucket:%Y-%m-%d}"


def _labels(dimension: Dimension, values: Iterable[Any], organisation: Organisation) -> dict[Any, dict[str, Any]]:
    """Return the cells that show each value of a dimension."""
    return _CELLS.get(dimension.name, _plain)(dimension, {*values}, organisation)


def _plain(dimension: Dimension, values: set[Any], organisation: Organisation) -> dict[Any, dict[str, Any]]:
    return {value: {dimension.name: value or None} for value in values}


def _keys(dimension: Dimension, values: set[Any], organisation: Organisation) -> dict[Any, dict[str, Any]]:
    names = names_of(dimension.column, values, organisation)
    return {
        value: {dimension.name: names[value].label if value else None, "api_key_hash": names[value].parameter or None}
        for value in values
    }


def _users(dimension: Dimension, values: set[Any], organisation: Organisation) -> dict[Any, dict[str, Any]]:
    users = User.objects.in_bulk([value for value in values if value])
    cells = {}
    for value in values:
        user = users.get(value)
        label = (user.name or user.email) if user else "Deleted user" if value else None
        cells[value] = {
            dimension.name: label,
            "user_id": user.public_id if user else None,
            "user_email": user.email if user else None,
        }
    return cells


_Cells = Callable[[Dimension, set[Any], Organisation], dict[Any, dict[str, Any]]]
_CELLS: dict[str, _Cells] = {"api_key_id": _keys, "user": _users}
