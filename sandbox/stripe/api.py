"""The HTTP API: who asks, was it asked before, what is wanted, one call, an answer."""

import base64
import binascii
import json
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.payments import connections

from . import API_VERSION, errors, faults, idempotency, ids, parameters, timers
from .errors import Json, StripeError
from .expansion import shown
from .idempotency import Answer, Answers, Slot
from .operations import OPERATIONS, Operation
from .store import Store

log = logging.getLogger("sandbox.stripe.api")

ACCEPTED_KEY = re.compile(r"sk_test_local_\w+")


class Api:
    """The operations over HTTP."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._answers = Answers(store)

    def routes(self) -> list[Route]:
        """One route per operation, and one for addresses that do not exist."""
        known = [Route(each.path, self._endpoint(each), methods=[each.method]) for each in OPERATIONS]
        return [*known, Route("/v1/{path:path}", unknown, methods=["GET", "POST", "DELETE", "PUT", "PATCH"])]

    def _endpoint(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await self._respond(request, operation)

        return endpoint

    async def _respond(self, request: Request, operation: Operation) -> Response:
        identifier = ids.new("req")
        headers = {"Request-Id": identifier, "Stripe-Version": API_VERSION}
        if "Idempotency-Key" in request.headers:
            headers["Idempotency-Key"] = request.headers["Idempotency-Key"]
        fault = faults.NONE
        try:
            api_key = _authenticate(request)
            _check_protocol(request)
            raw = parameters.decode(await request.body() if request.method == "POST" else request.url.query.encode())
            timers.run_due(self._store)
            fault = faults.take(self._store, request.method, request.url.path)
            faults.refuse(fault)
            key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
            slot = idempotency.slot(api_key, key, request.url.path, raw)
            answer = await self._answer(operation, request.path_params, raw, slot, identifier, fault)
        except StripeError as error:
            answer = _refusal(error)
        if fault.mode == "drop":
            return connections.Dropped()
        if answer.original is not None:
            headers |= {"Idempotent-Replayed": "true", "Original-Request": answer.original}
        return Response(answer.body, answer.status, headers, "application/json")

    async def _answer(
        self,
        operation: Operation,
        path: dict[str, Any],
        raw: Json,
        slot: Slot | None,
        identifier: str,
        fault: faults.Fault,
    ) -> Answer:
        remembered = self._answers.recall(slot) if slot else None
        if remembered is not None:
            return remembered
        given = parameters.read(operation.rules, raw)
        with self._answers.held(slot):
            await fault.wait()
            return self._execute(operation, path, given, slot, identifier, fault)

    def _execute(
        self,
        operation: Operation,
        path: dict[str, Any],
        given: Json,
        slot: Slot | None,
        identifier: str,
        fault: faults.Fault,
    ) -> Answer:
        """Carry out the operation and remember its answer, in one transaction."""
        store, remember = self._store, self._answers.remember
        store.request = {"id": identifier, "idempotency_key": slot.key if slot else None}
        try:
            with store.transaction():
                return remember(slot, identifier, faults.disguise(fault, _perform(store, operation, path, given)))
        except errors.InvalidParameter:
            raise
        except StripeError as error:
            return remember(slot, identifier, _refusal(error))
        except Exception:
            log.exception("%s %s failed", operation.method, operation.path)
            return remember(slot, identifier, _refusal(errors.Crashed("The sandbox itself failed; its log says why.")))


def _perform(store: Store, operation: Operation, path: dict[str, Any], given: Json) -> Answer:
    try:
        result = shown(store, operation.handler(store, given, **path), given.get("expand", []))
    except errors.CardDeclined as error:
        if not error.kept:
            raise
        return _refusal(error)
    return Answer(200, json.dumps(result, indent=2))


def _refusal(error: StripeError) -> Answer:
    return Answer(error.status, json.dumps(error.body(), indent=2))


async def unknown(request: Request) -> Response:
    """The answer for an address that is not part of the API, or not of this part."""
    error = errors.InvalidRequest(
        f"Unrecognized request URL ({request.method}: {request.url.path}). "
        "The sandbox plays only a part of the API: sandbox/stripe/operations.py lists it.",
        status=404,
    )
    return JSONResponse(error.body(), error.status, {"Request-Id": ids.new("req")})


def _authenticate(request: Request) -> str:
    """The API key of the request. Raises Unauthenticated."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            value = base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            value = ""
    if not value:
        raise errors.Unauthenticated(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    if not ACCEPTED_KEY.fullmatch(value):
        # Never more of it than its kind: it may be a real one.
        raise errors.Unauthenticated(
            f"Invalid API Key provided: {value[:8]}****. This is the payments sandbox, which accepts only keys that "
            "begin with sk_test_local_."
        )
    return value


def _check_protocol(request: Request) -> None:
    """Raises InvalidRequest for another API version, or a body that is not a form."""
    version = request.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise errors.InvalidRequest(
            f"Invalid Stripe API version: {version}. The sandbox speaks {API_VERSION} only; a newer SDK needs a "
            "sandbox of its version."
        )
    content_type = request.headers.get("Content-Type", "application/x-www-form-urlencoded")
    if request.method == "POST" and not content_type.startswith("application/x-www-form-urlencoded"):
        raise errors.InvalidRequest(
            "Invalid request (check that your POST content type is application/x-www-form-urlencoded)."
        )
