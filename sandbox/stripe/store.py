"""The store, with Stripe's ids and errors."""

from pathlib import Path

from sandbox.payments import store
from sandbox.payments.store import public

from . import errors, ids
from .errors import Json

__all__ = ["Store", "public"]

# Nearly every object says whether it is about real money; these do not.
_WITHOUT_LIVEMODE = frozenset({"balance_transaction", "refund"})


class Store(store.Store):
    """Stripe's objects by id, and the request that is being executed."""

    def __init__(self, path: Path | None, address: str) -> None:
        super().__init__(path, address)
        # The events that a request causes name it.
        self.request: Json = {"id": None, "idempotency_key": None}

    def add(self, prefix: str, kind: str, fields: Json) -> Json:
        """A new object with an id of its own."""
        body: Json = {"id": ids.new(prefix), "object": kind, "created": self.timestamp()}
        if kind not in _WITHOUT_LIVEMODE:
            body["livemode"] = False
        return self.insert(kind, body | fields)

    def get(self, identifier: str, kind: str, param: str = "id") -> Json:
        """The object with this id. Raises the 'No such ...' error when there is none of this kind."""
        body = self.find(identifier, kind)
        # What is left of a deleted object can be looked at, not used.
        if body is None or (body.get("deleted") and param != "id"):
            raise errors.missing(kind, identifier, param)
        return body
