"""The developer's pages: the latest payments, with buttons for refunds, disputes and late money.

The same as the control API, for a person with a browser.
"""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.payments import deliveries
from sandbox.stripe import errors, webhooks
from sandbox.stripe.errors import Json
from sandbox.stripe.payments import buyer, disputes, refunds
from sandbox.stripe.store import Store

from .rendering import card_name, form_of, moment, money, page


class Dashboard:
    """The start page, and a page for each payment."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def start(self, request: Request) -> Response:
        """Open checkouts, the latest payments, and where webhooks go."""
        open_sessions = self._store.all("checkout.session", "AND json_extract(body, '$.status') = 'open'", limit=10)
        values = {
            "payments": [self._row(each) for each in self._store.all("payment_intent", limit=30)],
            "open_sessions": [
                {
                    "url": each["url"],
                    "what": money(each["amount_total"], each["currency"]) if each["amount_total"] else "Save a card",
                    "when": moment(each["created"]),
                }
                for each in open_sessions
            ],
            "waiting": str(deliveries.waiting(self._store)),
            "endpoints": [each["url"] for each in self._store.all("webhook_endpoint")],
        }
        return page("start.html", values)

    def _row(self, intent: Json) -> Json:
        return {
            "id": intent["id"],
            "when": moment(intent["created"]),
            "amount": money(intent["amount"], intent["currency"]),
            "status": intent["status"].replace("_", " "),
        }

    async def payment(self, request: Request) -> Response:
        """One payment: its refunds and disputes, the events about it, and buttons."""
        return self._payment(request.path_params["identifier"])

    def _payment(self, identifier: str, problem: str = "") -> Response:
        intent = self._store.get(identifier, "payment_intent")
        charge = self._store.find(intent["latest_charge"] or "", "charge")
        paid = charge is not None and charge["paid"]
        left = charge["amount"] - charge["amount_refunded"] if charge and paid else 0
        method = self._store.find(intent["payment_method"] or "", "payment_method")
        dispute = self._dispute(intent)
        values = self._row(intent) | {
            "problem": problem,
            "method": card_name(method) if method else "",
            "failure": (intent["last_payment_error"] or {}).get("message", ""),
            "receipt": charge["receipt_url"] if charge and paid else "",
            "left": f"{left // 100}.{left % 100:02d}" if left else "",
            "refunds": [
                {"id": each["id"], "amount": money(each["amount"], each["currency"]), "status": each["status"]}
                for each in refunds.list_(self._store, {"payment_intent": identifier, "limit": 100})["data"]
            ],
            "dispute": dispute,
            "dispute_open": dispute is not None and disputes.is_open(dispute),
            "can_dispute": paid and dispute is None,
            "processing": intent["status"] == "processing",
            "events": self._events(intent, charge),
        }
        return page("payment.html", values, 422 if problem else 200)

    def _dispute(self, intent: Json) -> Json | None:
        found: list[Json] = disputes.list_(self._store, {"payment_intent": intent["id"], "limit": 1})["data"]
        return found[0] if found else None

    def _events(self, intent: Json, charge: Json | None) -> list[Json]:
        about = [f"%{each['id']}%" for each in (intent, charge) if each]
        where = " OR ".join("body LIKE ?" for _ in about)
        return [
            {
                "id": event["id"],
                "type": event["type"],
                "when": moment(event["created"]),
                "fate": deliveries.fate(self._store, event["id"]),
            }
            for event in reversed(self._store.all("event", f"AND ({where})", about, limit=50))
        ]

    async def act(self, request: Request) -> Response:
        """Carries out a button of a payment's page."""
        form = await form_of(request)
        identifier = request.path_params["identifier"]
        try:
            with self._store.transaction():
                self._carry_out(identifier, form)
        except errors.StripeError as error:
            return self._payment(identifier, str(error))
        return RedirectResponse(f"/payments/{identifier}", 303)

    def _carry_out(self, identifier: str, form: dict[str, str]) -> None:
        store = self._store
        intent = store.get(identifier, "payment_intent")
        match form.get("action"):
            case "refund":
                refunds.create(store, {"payment_intent": identifier, "amount": _cents(form.get("amount", ""))})
            case "fail-refund":
                refunds.fail(store, store.get(form.get("refund", ""), "refund"))
            case "dispute":
                disputes.open_(store, store.get(intent["latest_charge"] or "", "charge"), "fraudulent")
            case "win" | "lose" as verdict:
                dispute = self._dispute(intent)
                if dispute is None:
                    raise errors.InvalidRequest("This payment has no dispute.")
                disputes.close(store, dispute, won=verdict == "win")
            case "arrive" | "bounce" as outcome:
                buyer.settle(store, intent, outcome == "arrive")
            case "resend":
                event = store.get(form.get("event", ""), "event")
                deliveries.withdraw(store, event=event["id"])
                webhooks.queue(store, event)
            case _:
                raise errors.InvalidRequest("There is no such button.")


def _cents(text: str) -> int:
    """Cents of an amount as people write it, with two decimals at most."""
    whole, _, decimals = text.strip().lstrip("$").partition(".")
    if not whole.isdecimal() or len(whole) > 7 or not (decimals or "0").isdecimal() or len(decimals) > 2:
        raise errors.InvalidRequest("Enter the amount as in 4.50.")
    cents = int(whole) * 100 + int(decimals.ljust(2, "0"))
    if cents < 1:
        raise errors.InvalidRequest("Enter an amount above zero.")
    return cents
