"""The counts of this process, for Prometheus. `GET /metrics` adds up all processes that share DATA_DIR.

Each process keeps its counts in files of its own, which prometheus-client maps into memory. The files belong to a slot,
not to a process number: a process takes the lowest slot that no living process holds, and goes on counting where the
last holder stopped. So counters survive restarts, and the files don't pile up.

Labels have few values that this site chooses: no IDs, and nothing that a client or a provider can write.
"""

import os
import re
import sys
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from .metric_files import ReservedFile

if sys.platform != "win32":
    import fcntl

__all__ = [
    "COST_USD", "ENDPOINTS", "ENDPOINT_STATES", "ERRORS", "FIRST_TOKEN_SECONDS", "HTTP_REQUESTS", "HTTP_SECONDS",
    "POOL", "PROVIDER_FAILURES", "REQUESTS", "SECONDS", "TOKENS", "WRITE_OFF_USD", "registry",
]  # fmt: skip

#: None while `/metrics` is off: then this process counts in memory only.
FOLDER: Path | None = settings.DATA_DIR / "metrics" if settings.METRICS_TOKEN or settings.DEBUG else None

_held: list[tuple[str, IO[str] | None]] = []  # this process's slot, once it has one


def _slot() -> str:
    """Return this process's slot. It is held by a lock that ends with the process, however it ends."""
    if not _held:
        _held.append(_take_slot())
    return _held[0][0]


def _take_slot() -> tuple[str, IO[str] | None]:
    assert FOLDER is not None
    if sys.platform == "win32":  # process numbers serve as slots
        return str(os.getpid()), None
    number = 0
    while (lock := _lock(FOLDER / f"slot-{number}.lock")) is None:
        number += 1
    mark_process_dead(number, str(FOLDER))  # the last holder's gauges
    return str(number), lock


def _lock(path: Path) -> IO[str] | None:
    """Return the locked file, or None if a living process has locked it."""
    if sys.platform == "win32":
        return None
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_held.clear)  # a fork needs a slot of its own

os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)  # a parent's
if FOLDER is None:
    values.ValueClass = values.MutexValue
else:
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(FOLDER)
    values.MmapedDict = ReservedFile  # type: ignore[attr-defined]
    values.ValueClass = values.MultiProcessValue(_slot)


def registry() -> CollectorRegistry:
    """Return a new registry with the counts of all processes. Gauges are those of living processes."""
    collected = CollectorRegistry()
    if FOLDER is not None:
        for path in FOLDER.glob("slot-*.lock"):
            if lock := _lock(path):
                mark_process_dead(re.sub(r"\D", "", path.name), str(FOLDER))
                lock.close()
        _Collector(collected, str(FOLDER))  # type: ignore[no-untyped-call]
    return collected


class _Collector(MultiProcessCollector):
    """Adds up the files of all processes, without those that a process has created but not yet sized."""

    def collect(self) -> Any:
        files = [str(path) for path in Path(self._path).glob("*.db") if _size(path)]
        return self.merge(files, accumulate=True)  # type: ignore[no-untyped-call]


def _size(path: Path) -> int:
    """Return the bytes of a file; 0 if it has just been removed."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


# --- The metrics --------------------------------------------------------------------------------------

HTTP_REQUESTS = Counter(
    "openrouter_http_requests", "Answered HTTP requests and sockets.", ["surface", "status"], registry=None
)
HTTP_SECONDS = Histogram(
    "openrouter_http_request_seconds",
    "Time until the answer was complete.",
    ["surface"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
    registry=None,
)
REQUESTS = Counter(
    "openrouter_inference_requests",
    "Settled inference requests. outcome: ok, canceled, error.",
    ["source", "provider", "outcome"],
    registry=None,
)
ERRORS = Counter("openrouter_inference_errors", "Errors that callers got, by error_type.", ["kind"], registry=None)
SECONDS = Histogram(
    "openrouter_inference_seconds",
    "Time from a request to the last token of its response.",
    ["source"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900),
    registry=None,
)
FIRST_TOKEN_SECONDS = Histogram(
    "openrouter_inference_first_token_seconds",
    "Time from a request to the first token of its response.",
    ["source"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60),
    registry=None,
)
TOKENS = Counter(
    "openrouter_tokens", "Billed tokens. kind: prompt, completion; reasoning and cached are parts of these.",
    ["provider", "kind"], registry=None,
)  # fmt: skip
COST_USD = Counter("openrouter_cost_usd", "Charged for inference, in dollars.", ["provider"], registry=None)
WRITE_OFF_USD = Counter("openrouter_write_off_usd", "Costs that balances did not cover, in dollars.", registry=None)
PROVIDER_FAILURES = Counter(
    "openrouter_provider_failures",
    "Failed attempts at providers, by HTTP status.",
    ["provider", "status"],
    registry=None,
)
ENDPOINT_STATES = ("ok", "degraded", "down", "failing")
ENDPOINTS = Gauge(
    "openrouter_endpoints",
    "Endpoints with recent traffic. failing: its last request failed; down and degraded: by uptime.",
    ["provider", "state"],
    multiprocess_mode="livemax",
    registry=None,
)
POOL = Gauge(
    "openrouter_database_pool",
    "Database connections of all web processes. state: open, idle, waiting (callers without one).",
    ["state"],
    multiprocess_mode="livesum",
    registry=None,
)
