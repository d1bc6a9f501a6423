"""Faults on request: everything that goes wrong between a shop and its payment provider, by the number.

The control API under `/_test` takes and returns JSON. It is no part of any provider's API; a shop's tests use it.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from .deliveries import NO_FAULTS
from .store import Json, Store

MODES = ("refuse", "crash", "drop", "slow")


class NotUnderstood(Exception):
    """The control API cannot do that. `status` is the HTTP status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Fault:
    """What befalls one API request.

    refuse: answered with `status`, not executed, not remembered (an outage, a rate limit)
    crash:  executed, but answered with `status`, and that answer is remembered for its idempotency key
    drop:   executed and remembered, then the connection is cut without an answer
    slow:   executed `seconds` late, with its idempotency key taken meanwhile
    """

    mode: str = ""
    status: int = 500
    seconds: float = 0.0

    async def wait(self) -> None:
        """Hold a slow request back."""
        if self.mode == "slow":
            await asyncio.sleep(self.seconds)


NONE = Fault()


def take(store: Store, method: str, path: str) -> Fault:
    """The fault that befalls this request, counted as used."""
    waiting: list[Json] = store.setting("request_faults", [])
    for fault in waiting:
        if path.startswith(fault["path"]) and fault["method"] in ("", method):
            fault["count"] -= 1
            store.set_setting("request_faults", [each for each in waiting if each["count"] > 0])
            return Fault(fault["mode"], fault["status"], fault["seconds"])
    return NONE


# --- The control API ------------------------------------------------------------------------------------


async def body_of(request: Request) -> Json:
    """The JSON of a request, or the query of a GET. Raises NotUnderstood."""
    if request.method != "POST":
        return dict(request.query_params)
    # A page of another site can send a form to this address, but not JSON.
    if not request.headers.get("Content-Type", "").startswith("application/json"):
        raise NotUnderstood("Send JSON, with the content type application/json.", status=415)
    body = await request.body()
    try:
        given = json.loads(body) if body else {}
    except ValueError as error:
        raise NotUnderstood(f"That is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise NotUnderstood("Send a JSON object.")
    return given


def state(store: Store, given: Json) -> Json:
    """The faults that are set, and the clock."""
    return {
        "now": store.now(),
        "clock_offset": store.setting("clock_offset", 0),
        "requests": store.setting("request_faults", []),
        "webhooks": NO_FAULTS | store.setting("webhook_faults", {}),
    }


def reset(store: Store, given: Json) -> Json:
    """No faults any more. The clock stays where it is: time does not run backwards."""
    store.set_setting("request_faults", [])
    store.set_setting("webhook_faults", {})
    return state(store, {})


def advance_clock(store: Store, given: Json) -> Json:
    """`seconds` later: what falls due on the way happens now."""
    seconds = float(given["seconds"])
    if seconds < 0:
        raise ValueError("time does not run backwards")
    store.advance_clock(seconds)
    return state(store, {})


def fail_requests(store: Store, given: Json) -> Json:
    """The next `count` API requests suffer `mode`; perhaps only under a `path` or with a `method`."""
    if given["mode"] not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}")
    fault = {
        "mode": given["mode"],
        "count": int(given.get("count", 1)),
        "status": int(given.get("status", 500)),
        "seconds": float(given.get("seconds", 1.0)),
        "path": str(given.get("path", "/v1/")),
        "method": str(given.get("method", "")).upper(),
    }
    store.set_setting("request_faults", [*store.setting("request_faults", []), fault])
    return state(store, {})


def disturb_webhooks(store: Store, given: Json) -> Json:
    """From now on: `copies` of each, in disorder over `shuffle` seconds, `delay` seconds late; `drop` the next few."""
    faults = NO_FAULTS | store.setting("webhook_faults", {})
    unknown = set(given) - set(faults)
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    kinds: dict[str, Callable[[Any], Any]] = {"copies": int, "shuffle": float, "delay": float, "drop": int}
    store.set_setting("webhook_faults", faults | {name: kinds[name](value) for name, value in given.items()})
    return state(store, {})


def deliveries(store: Store, given: Json) -> Json:
    """Every delivery with its attempts, oldest first; perhaps of one `event` only."""
    rows = store.query("SELECT * FROM deliveries WHERE event = coalesce(?, event) ORDER BY id", (given.get("event"),))
    attempts = store.query("SELECT * FROM attempts ORDER BY id")
    return {
        "data": [
            {name: row[name] for name in ("id", "event", "endpoint", "state", "due")}
            | {
                "attempts": [
                    {name: attempt[name] for name in ("at", "seconds", "status", "error")}
                    for attempt in attempts
                    if attempt["delivery"] == row["id"]
                ]
            }
            for row in rows
        ]
    }
