"""The receipt of a paid charge."""

from starlette.requests import Request
from starlette.responses import Response

from . import buyer, errors, refunds
from .rendering import card_name, moment, money, page
from .store import Store


class ReceiptPage:
    """What was paid, when and how, and what was refunded since."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def show(self, request: Request) -> Response:
        """The receipt of a paid charge, with what was refunded since."""
        charge = self._store.get(request.path_params["identifier"], "charge")
        if not charge["paid"]:
            raise errors.missing("receipt", charge["id"])
        intent = self._store.get(charge["payment_intent"], "payment_intent")
        session = buyer.session_of(self._store, intent)
        currency = charge["currency"]
        items = [
            {"name": item["description"], "amount": money(item["amount_total"], currency)}
            for item in (session["_line_items"] if session else [])
        ]
        given_back = [
            {"when": moment(each["created"]), "amount": money(-each["amount"], currency), "status": each["status"]}
            for each in reversed(refunds.list_(self._store, {"charge": charge["id"], "limit": 100})["data"])
        ]
        method = self._store.get(charge["payment_method"], "payment_method")
        values = {
            "charge": charge,
            "merchant": session["branding_settings"]["display_name"] if session else "Sandbox",
            "items": items
            or [{"name": charge["description"] or "Payment", "amount": money(charge["amount"], currency)}],
            "total": money(charge["amount"], currency),
            "net": money(charge["amount"] - charge["amount_refunded"], currency),
            "refunds": given_back,
            "paid_at": moment(charge["created"]),
            "method": card_name(method),
        }
        return page("receipt.html", values)
