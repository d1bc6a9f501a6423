"""The HTTP API: token, idempotency key, one call, an answer."""

import json
import logging
import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.payments import connections, faults, idempotency
from sandbox.payments.idempotency import Answer, Answers, KeyInUse, KeyReused
from sandbox.payments.store import Json, Store

from . import checkouts, tokens
from .errors import ApiError, failure, invalid

log = logging.getLogger("sandbox.coinbase.api")

Work = Callable[[Json, Json], Json]  # path parameters, body or query -> answer
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Api:
    """The operations over HTTP."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._answers = Answers(store)

    def routes(self) -> list[Route]:
        """One route per operation."""
        store, base = self._store, "/api/v1/checkouts"
        return [
            self._route("POST", base, lambda path, given: checkouts.create(store, given), 201),
            self._route("GET", base, lambda path, given: checkouts.list_(store, given)),
            self._route("GET", base + "/{id}", lambda path, given: checkouts.get(store, path["id"])),
            self._route("POST", base + "/{id}/deactivate", lambda path, given: checkouts.deactivate(store, path["id"])),
            self._route("POST", base + "/{id}/refund", lambda path, given: checkouts.refund(store, path["id"], given)),
        ]

    def _route(self, method: str, path: str, work: Work, status: int = 200) -> Route:
        async def endpoint(request: Request) -> Response:
            fault = faults.NONE
            try:
                host = request.headers.get("Host", "")
                tokens.check(request.headers.get("Authorization", ""), method, host, request.url.path)
                checkouts.run_due(self._store)
                fault = faults.take(self._store, method, request.url.path)
                fault.refuse(failure)
                answer = await self._answer(request, work, status, fault)
            except ApiError as error:
                answer = _refusal(error)
            except KeyReused:
                answer = _refusal(ApiError(422, "idempotency_error", "This key was used with another request."))
            except KeyInUse:
                answer = _refusal(ApiError(409, "idempotency_error", "A request with this key is under way."))
            if fault.mode == "drop":
                return connections.Dropped()
            return Response(answer.body, answer.status, media_type="application/json")

        return Route(path, _only_json(endpoint), methods=[method])

    async def _answer(self, request: Request, work: Work, status: int, fault: faults.Fault) -> Answer:
        """Carry out the operation, unless its idempotency key has been answered before."""
        given = await _given(request)
        key = request.headers.get("X-Idempotency-Key", "") if request.method == "POST" else ""
        if key and not _UUID4.fullmatch(key):
            raise invalid("X-Idempotency-Key is a version 4 UUID in small letters.")
        slot = idempotency.slot("", key, request.url.path, given)
        if remembered := self._answers.recall(slot):
            return remembered
        with self._answers.held(slot):
            await fault.wait()
            with self._store.transaction():
                answer = fault.disguise(Answer(status, json.dumps(work(request.path_params, given))), failure)
                return self._answers.remember(slot, "", answer)


def _refusal(error: ApiError) -> Answer:
    return Answer(error.status, json.dumps(error.body()))


async def _given(request: Request) -> Json:
    """The JSON body of a POST, the query of a GET."""
    if request.method == "GET":
        return dict(request.query_params)
    body = await request.body()
    try:
        given = json.loads(body) if body else {}
    except ValueError as error:
        raise invalid("The body is not JSON.") from error
    if not isinstance(given, dict):
        raise invalid("The body is not a JSON object.")
    return given


def _only_json(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception:
            log.exception("%s %s failed", request.method, request.url.path)
            error = ApiError(500, "internal_server_error", "The sandbox itself failed; its log says why.")
            return Response(json.dumps(error.body()), error.status, media_type="application/json")

    return answer
