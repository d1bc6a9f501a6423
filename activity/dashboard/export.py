"""CSV of the pages' contents, with the same filters. Money is in dollars with every digit; times name their zone."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Protocol

from accounts.models import Organisation
from activity import usage
from activity.filters import GROUPS, Filter
from activity.names import names_of
from common.money import PicoUsd, as_usd
from common.storage import database
from common.web.csv_export import csv_line
from gateway.models import Generation

__all__ = ["BATCH", "breakdown_lines", "request_lines", "usage_lines"]

#: Requests that are in memory at a time.
BATCH = 1000

_REQUEST_COLUMNS = (
    "id", "created_at", "model", "requested_model", "provider", "source", "key", "app", "state", "finish_reason",
    "error_status", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "cost_usd",
    "latency_ms", "duration_ms", "streamed", "cancelled", "simulated", "user", "session_id", "use",
)  # fmt: skip
_USAGE_COLUMNS = (
    "requests", "failures", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens",
)  # fmt: skip


class RequestPage(Protocol):
    """One page of a list of requests, newest first, and the cursor of the next one (empty if there is none)."""

    @property
    def shown(self) -> Sequence[Generation]: ...
    @property
    def older(self) -> str: ...


async def request_lines(page_before: Callable[[str], RequestPage], zone: tzinfo = UTC) -> AsyncIterator[str]:
    """Yield CSV of every request of a list, in its order: page after page, each read when the one before is sent.

    `page_before` returns the page after a cursor; the first one for "". Times are in `zone`, with its offset.
    """
    yield csv_line(_REQUEST_COLUMNS)
    before = ""
    while True:
        page = await database.run(page_before, before)
        if page.shown:
            yield "".join(csv_line(_request_cells(request, zone)) for request in page.shown)
        if not page.older:
            return
        before = page.older


def usage_lines(view: Filter, organisation: Organisation) -> Iterator[str]:
    """Yield CSV of the chart's data: a line for each bucket and group with requests."""
    report, names = _named(view, organisation)
    zone = view.period.zone
    yield csv_line((view.period.bucket, "time_zone", view.by, *_USAGE_COLUMNS, "cost_usd"))
    for bucket in view.period.buckets():
        start = bucket.astimezone(zone).isoformat()
        for group in report.groups:
            if sums := group.by_bucket.get(bucket):
                yield csv_line((start, str(zone), names[group.value], *_sum_cells(sums)))


def breakdown_lines(view: Filter, organisation: Organisation) -> Iterator[str]:
    """Yield CSV of the breakdown: a line for each group, largest first. The lines add up to the page's totals."""
    report, names = _named(view, organisation)
    yield csv_line((view.by, *_USAGE_COLUMNS, "cost_usd"))
    for group in report.groups:
        yield csv_line((names[group.value], *_sum_cells(group.total)))


def _named(view: Filter, organisation: Organisation) -> tuple[usage.Report, dict[object, str]]:
    report = usage.report(view)
    names = names_of(GROUPS[view.by][0], [group.value for group in report.groups], organisation)
    return report, {value: name.label for value, name in names.items()}


def _sum_cells(sums: usage.Sums) -> Iterable[object]:
    return (*(getattr(sums, name) for name in _USAGE_COLUMNS), _usd(sums.cost))


def _request_cells(request: Generation, zone: tzinfo) -> Iterable[object]:
    return (
        request.pk, request.created_at.astimezone(zone).isoformat(), request.model, request.requested_model,
        request.provider, request.source, request.key.name if request.key else "", request.app, request.state,
        request.finish_reason, "" if request.error_status is None else request.error_status, request.prompt_tokens,
        request.completion_tokens, request.reasoning_tokens, request.cached_tokens, _usd(request.cost),
        "" if request.latency_ms is None else request.latency_ms,
        "" if request.duration_ms is None else request.duration_ms,
        request.streamed, request.cancelled, request.simulated, request.external_user, request.session_id,
        request.use,
    )  # fmt: skip


def _usd(pico: int) -> Decimal:
    return as_usd(PicoUsd(pico))
