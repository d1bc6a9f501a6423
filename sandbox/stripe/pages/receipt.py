"""The receipt of a payment, as a page."""

from starlette.requests import Request
from starlette.responses import Response

from sandbox.stripe import errors
from sandbox.stripe.payments import refunds
from sandbox.stripe.store import Store

from .rendering import card_name, moment, money, page


class ReceiptPage:
    """The receipt of a paid charge, with its refunds."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def show(self, request: Request) -> Response:
        """The page."""
        charge = self._store.get(request.path_params["identifier"], "charge")
        if not charge["paid"]:
            raise errors.missing("receipt", charge["id"])
        payment, currency = charge["payment_intent"], charge["currency"]
        session = self._store.find(self._store.get(payment, "payment_intent")["_session"] or "")
        items = (
            session["_items"] if session else [{"name": charge["description"] or "Payment", "amount": charge["amount"]}]
        )
        refunded = reversed(refunds.list_(self._store, {"payment_intent": payment, "limit": 100})["data"])
        values = {
            "charge": charge,
            "merchant": session["branding_settings"]["display_name"] if session else "Sandbox",
            "items": [{"name": item["name"], "amount": money(item["amount"], currency)} for item in items],
            "total": money(charge["amount"], currency),
            "net": money(charge["amount"] - charge["amount_refunded"], currency),
            "refunds": [
                {"when": moment(each["created"]), "amount": money(-each["amount"], currency), "status": each["status"]}
                for each in refunded
            ],
            "paid_at": moment(charge["created"]),
            "method": card_name(self._store.get(charge["payment_method"], "payment_method")),
        }
        return page("receipt.html", values)
