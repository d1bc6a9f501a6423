"""The dashboard's data as CSV, with the same filters as the page."""

from collections.abc import AsyncIterator, Iterable, Iterator
from decimal import Decimal

from accounts.models import Organisation
from activity import usage
from activity.filters import GROUPS, Filter
from activity.names import names_of
from activity.requests import listing
from common.csv_export import csv_line
from common.money import PicoUsd, as_usd
from common.storage import database
from gateway.models import Generation

__all__ = ["request_lines", "usage_lines"]

BATCH = 1000

_REQUEST_COLUMNS = (
    "id", "created_at", "model", "requested_model", "provider", "source", "key", "app", "state", "finish_reason",
    "error_status", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "cost_usd",
    "latency_ms", "duration_ms", "streamed", "cancelled", "simulated", "user", "session_id",
)  # fmt: skip
_USAGE_COLUMNS = (
    "requests", "failures", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens",
)  # fmt: skip


async def request_lines(view: Filter) -> AsyncIterator[str]:
    """Yield CSV of every request of the view, newest first, in batches."""
    yield csv_line(_REQUEST_COLUMNS)
    page = await database.run(listing.page_of, view, size=BATCH)
    while page.requests:
        yield "".join(csv_line(_request_cells(request)) for request in page.requests)
        if not page.older:
            return
        page = await database.run(listing.page_of, view, before=page.older, size=BATCH)


def usage_lines(view: Filter, organisation: Organisation) -> Iterator[str]:
    """Yield CSV of the chart's data: a line for each bucket and group with requests."""
    report = usage.report(view)
    column, _ = GROUPS[view.by]
    names = names_of(column, [group.value for group in report.groups], organisation)
    yield csv_line((f"{view.period.bucket}_utc", view.by, *_USAGE_COLUMNS, "cost_usd"))
    for bucket in view.period.buckets():
        for group in report.groups:
            if sums := group.by_bucket.get(bucket):
                counts = (getattr(sums, name) for name in _USAGE_COLUMNS)
                yield csv_line((bucket.isoformat(), names[group.value].label, *counts, _usd(sums.cost)))


def _request_cells(request: Generation) -> Iterable[object]:
    return (
        request.pk, request.created_at.isoformat(), request.model, request.requested_model, request.provider,
        request.source, request.key.name if request.key else "", request.app, request.state, request.finish_reason,
        "" if request.error_status is None else request.error_status, request.prompt_tokens, request.completion_tokens,
        request.reasoning_tokens, request.cached_tokens, _usd(request.cost),
        "" if request.latency_ms is None else request.latency_ms,
        "" if request.duration_ms is None else request.duration_ms,
        request.streamed, request.cancelled, request.simulated, request.external_user, request.session_id,
    )  # fmt: skip


def _usd(pico: int) -> Decimal:
    return as_usd(PicoUsd(pico))
