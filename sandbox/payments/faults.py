"""Faults on request, between a shop and its payment provider.

The control API under `/_test` takes and returns JSON. It is no part of any provider's API; a shop's tests use it.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .deliveries import NO_FAULTS, withdraw
from .errors import ProviderError
from .idempotency import Answer
from .store import Json, Store, public

MODES = ("refuse", "crash", "drop", "slow")

#: The slow requests that wait in this process.
_slow: set[asyncio.Event] = set()

# A failure of the provider's own, in its shape of errors: message, status.
Failure = Callable[[str, int], ProviderError]


@dataclass(frozen=True)
class Fault:
    """The fault of one API request.

    refuse: answered with `status`, not executed, not remembered (an outage, a rate limit)
    crash:  executed, but answered with `status`, and that answer is remembered for its idempotency key
    drop:   executed and remembered, then the connection is cut without an answer
    slow:   executed `seconds` late or with the next reset, with its idempotency key in use until then
    """

    mode: str = ""
    status: int = 500
    seconds: float = 0.0

    async def wait(self) -> None:
        """Delay a slow request."""
        if self.mode != "slow":
            return
        go_on = asyncio.Event()
        _slow.add(go_on)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(go_on.wait(), self.seconds)
        finally:
            _slow.discard(go_on)

    def refuse(self, failure: Failure) -> None:
        """Raises the failure when the request is to be refused: nothing is executed, nothing remembered."""
        if self.mode == "refuse":
            raise failure("The sandbox was asked to refuse this request.", self.status)

    def disguise(self, answer: Answer, failure: Failure) -> Answer:
        """The answer, or a failure in its place although the work was done."""
        if self.mode != "crash":
            return answer
        crash = failure("The sandbox was asked to fail after executing this request.", self.status)
        return Answer(self.status, json.dumps(crash.body(), indent=2))


NONE = Fault()


def take(store: Store, method: str, path: str) -> Fault:
    """The fault of this request, counted as used."""
    waiting: list[Json] = store.setting("request_faults", [])
    for fault in waiting:
        if path.startswith(fault["path"]) and fault["method"] in ("", method):
            fault["count"] -= 1
            store.set_setting("request_faults", [each for each in waiting if each["count"] > 0])
            return Fault(fault["mode"], fault["status"], fault["seconds"])
    return NONE


# --- The control API ------------------------------------------------------------------------------------


class NotUnderstood(Exception):
    """The control API cannot read a request. `status` is the HTTP status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Control:
    """The control API of one provider. `send` delivers an event to every endpoint; `failure` words errors."""

    store: Store
    run_due: Callable[[], None]
    send: Callable[[Json], int]
    failure: Failure

    def routes(self, actions: Mapping[str, Callable[..., Json]]) -> list[Route]:
        """The common addresses under `/_test`, and the provider's own: address to function(store, given, **path)."""
        common: dict[str, Callable[..., Json]] = {
            "/reset": reset,
            "/clock": advance_clock,
            "/requests": fail_requests,
            "/webhooks": disturb_webhooks,
            "/events/{identifier}/resend": self._resend,
        }
        return [
            Route("/", self._action(state)),
            Route("/deliveries", self._action(deliveries)),
            *(Route(path, self._action(work), methods=["POST"]) for path, work in {**common, **actions}.items()),
        ]

    def _action(self, work: Callable[..., Json]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                given = await _body_of(request)
                self.run_due()
                return self._carry_out(work, given, request.path_params)
            except ProviderError as error:
                return JSONResponse(error.body(), error.status)
            except NotUnderstood as error:
                return JSONResponse(self.failure(str(error), error.status).body(), error.status)
            except (KeyError, TypeError, ValueError) as error:
                message = f"Not understood: {type(error).__name__} {error}"
                return JSONResponse(self.failure(message, 400).body(), 400)
            finally:
                self.run_due()

        return endpoint

    def _carry_out(self, work: Callable[..., Json], given: Json, path: Json) -> Response:
        with self.store.transaction():
            try:
                return JSONResponse(public(work(self.store, given, **path)))
            except ProviderError as error:
                if not error.kept:
                    raise
                return JSONResponse(error.body(), error.status)

    def _resend(self, store: Store, given: Json, identifier: str) -> Json:
        """Deliver an event again, accepted or not."""
        event = store.find(identifier, "event")
        if event is None:
            raise ValueError(f"there is no event {identifier}")
        withdraw(store, event=identifier)
        return {"queued": self.send(event)}


async def _body_of(request: Request) -> Json:
    """The JSON of a request, or the query of a GET. Raises NotUnderstood."""
    if request.method != "POST":
        return dict(request.query_params)
    # A page of another site can send a form to this address, but not JSON.
    if not request.headers.get("Content-Type", "").startswith("application/json"):
        raise NotUnderstood("Send JSON, with the content type application/json.", status=415)
    body = await request.body()
    try:
        given = json.loads(body) if body else {}
    except (ValueError, RecursionError) as error:
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
    """No faults any more; slow requests go on. The clock stays where it is: time does not run backwards."""
    for go_on in _slow:
        go_on.set()
    store.set_setting("request_faults", [])
    store.set_setting("webhook_faults", {})
    return state(store, {})


def advance_clock(store: Store, given: Json) -> Json:
    """Moves the clock `seconds` ahead; timers that fall due on the way run now."""
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
