"""The metrics of settled requests. Counted by the writer's thread, a batch at a time."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache

from common.money import PICO_PER_USD
from common.telemetry import metrics

from .rows import GenerationRow

__all__ = ["count"]

#: Statuses with a label of their own: a provider may send any number.
_STATUSES = {400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529}
_NO_PROVIDER = "none"

# Looking a labeled metric up costs more than counting.
_requests = cache(metrics.REQUESTS.labels)
_tokens = cache(metrics.TOKENS.labels)
_cost = cache(metrics.COST_USD.labels)
_failures = cache(metrics.PROVIDER_FAILURES.labels)
_seconds = cache(metrics.SECONDS.labels)
_first_token_seconds = cache(metrics.FIRST_TOKEN_SECONDS.labels)


def count(rows: Sequence[GenerationRow]) -> None:
    """Count requests that have just been settled."""
    requests: dict[tuple[str, str, str], int] = defaultdict(int)
    tokens: dict[tuple[str, str], int] = defaultdict(int)
    cost: dict[str, int] = defaultdict(int)  # pico-USD
    write_off = 0
    for row in rows:
        provider = row.provider or _NO_PROVIDER
        requests[row.source, provider, _outcome(row)] += 1
        tokens[provider, "prompt"] += row.prompt_tokens
        tokens[provider, "completion"] += row.completion_tokens
        tokens[provider, "reasoning"] += row.reasoning_tokens
        tokens[provider, "cached"] += row.cached_tokens
        cost[provider] += row.cost
        write_off += row.write_off
        for attempt in row.failed_attempts:
            status = attempt["status"] if attempt["status"] in _STATUSES else "other"
            _failures(attempt["provider"], str(status)).inc()
        if row.error_status is None and row.latency_ms is not None and row.duration_ms is not None:
            _first_token_seconds(row.source).observe(row.latency_ms / 1000)
            _seconds(row.source).observe(row.duration_ms / 1000)
    for kind, number in tokens.items():
        if number:
            _tokens(*kind).inc(number)
    for provider, pico in cost.items():
        _cost(provider).inc(pico / PICO_PER_USD)
    if write_off:
        metrics.WRITE_OFF_USD.inc(write_off / PICO_PER_USD)
    for labels, number in requests.items():  # last: what is scraped meanwhile never has fewer tokens than requests
        _requests(*labels).inc(number)


def _outcome(row: GenerationRow) -> str:
    if row.error_status is not None:
        return "error"
    return "canceled" if row.cancelled else "ok"
