"""The HTTP API: key, idempotency key, parameters, one call, an answer."""

import base64
import binascii
import json
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.payments import connections, faults, idempotency
from sandbox.payments.idempotency import Answer, Answers, Slot

from . import API_VERSION, errors, ids, timers
from .calls import parameters
from .calls.expansion import shown
from .errors import Json, StripeError
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
            fault.refuse(errors.failure)
            call = Call(operation, request.path_params, raw, _slot(request, api_key, raw), identifier, fault)
            answer = await self._answer(call)
        except StripeError as error:
            answer = _refusal(error)
        if fault.mode == "drop":
            return connections.Dropped()
        if answer.original is not None:
            headers |= {"Idempotent-Replayed": "true", "Original-Request": answer.original}
        return Response(answer.body, answer.status, headers, "application/json")

    async def _answer(self, call: "Call") -> Answer:
        if remembered := self._recall(call.slot):
            return remembered
        given = parameters.read(call.operation.rules, call.raw)
        with self._answers.held(call.slot):
            await call.fault.wait()
            return self._execute(call, given)

    def _recall(self, slot: Slot | None) -> Answer | None:
        """The answer that this slot got before. Raises KeyInUse and IdempotencyMismatch."""
        try:
            return self._answers.recall(slot)
        except idempotency.KeyInUse:
            raise errors.KeyInUse(
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                "submitted twice, and the other request is still going through). Please try again later.",
                code="idempotency_key_in_use",
            ) from None
        except idempotency.KeyReused as reused:
            raise errors.IdempotencyMismatch(
                "Keys for idempotent requests can only be used for the same endpoint and with the same parameters they "
                f"were first used with (the endpoint was '{reused.path}')."
            ) from None

    def _execute(self, call: "Call", given: Json) -> Answer:
        """Carry out the operation and remember its answer, in one transaction."""
        store, remember = self._store, partial(self._answers.remember, call.slot, call.identifier)
        store.request = {"id": call.identifier, "idempotency_key": call.slot.key if call.slot else None}
        try:
            with store.transaction():
                return remember(call.fault.disguise(_perform(store, call, given), errors.failure))
        except errors.InvalidParameter:
            raise
        except StripeError as error:
            return remember(_refusal(error))
        except Exception:
            log.exception("%s %s failed", call.operation.method, call.operation.path)
            return remember(_refusal(errors.Crashed("The sandbox itself failed; its log says why.")))


@dataclass(frozen=True)
class Call:
    """One request that has been let in."""

    operation: Operation
    path: dict[str, Any]
    raw: Json
    slot: Slot | None
    identifier: str
    fault: faults.Fault


def _slot(request: Request, api_key: str, raw: Json) -> Slot | None:
    """Raises InvalidParameter for a key that is too long."""
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    if key is not None and not 0 < len(key) <= 255:
        raise errors.InvalidParameter("An idempotency key has 1 to 255 characters.")
    return idempotency.slot(api_key, key or "", request.url.path, raw)


def _perform(store: Store, call: Call, given: Json) -> Answer:
    try:
        result = shown(store, call.operation.handler(store, given, **call.path), given.get("expand", []))
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
        "The sandbox has only a part of the API: sandbox/stripe/operations.py lists it.",
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
