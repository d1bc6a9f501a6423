"""The world around the payments sandbox: a shop that uses stripe's package, a buyer, a receiver of webhooks."""

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urljoin

import requests
import stripe

from tests.sandbox.stripe.contract import breaches
from tests.support.processes import wait_until

KEY = "sk_test_local_tests"
SHOP = "http://127.0.0.1:9"  # no server listens there, and no test follows a redirect to it


class Shop:
    """A shop with an unmodified `stripe` client, and the sandbox's control API.

    Every answer that passes is compared with the package's own annotations.
    """

    def __init__(self, address: str, **options: Any) -> None:
        self.address = address
        self.breaches: list[str] = []
        session = requests.Session()
        session.trust_env = False
        session.hooks["response"].append(self._check)
        self.stripe = stripe.StripeClient(
            KEY,
            base_addresses={"api": address},
            http_client=stripe.RequestsClient(timeout=20, session=session),
            **{"max_network_retries": 0, **options},
        )
        # Any: the tests also send what the package's own types would refuse.
        self.v1: Any = self.stripe.v1
        self._opened = self.now()

    def _check(self, response: requests.Response, *_: object, **__: object) -> None:
        self.breaches += breaches(response.json())

    def customer(self, **fields: Any) -> Any:
        return self.v1.customers.create({"email": "alice@example.com", "name": "Alice", **fields})

    def session(self, cents: int = 1000, fee: int = 80, **changes: Any) -> Any:
        """An open checkout of $10 of credits and a fee of $0.80; None takes a parameter out."""
        parameters: dict[str, Any] = {
            "mode": "payment",
            "success_url": f"{SHOP}/paid?session={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{SHOP}/canceled",
            "line_items": [line_item("Credits", cents), line_item("Platform fee", fee)],
            "allowed_payment_method_types": ["card", "alipay", "crypto"],
            **changes,
        }
        parameters.setdefault("customer", self.customer().id)
        return self.v1.checkout.sessions.create(
            {name: value for name, value in parameters.items() if value is not None}
        )

    def setup_session(self, customer: str, **changes: Any) -> Any:
        return self.v1.checkout.sessions.create(
            {
                "mode": "setup",
                "currency": "usd",
                "allowed_payment_method_types": ["card"],
                "customer": customer,
                "success_url": f"{SHOP}/saved",
                **changes,
            }
        )

    def saved(self, customer: str, number: str = "4242424242424242") -> str:
        """A card that the customer has kept on the page for it; its id."""
        session = self.setup_session(customer)
        self.control(f"sessions/{session.id}/pay", card=number)
        return str(self.reload(session, "setup_intent").setup_intent.payment_method)

    def charge_while_away(self, customer: str, method: str, cents: int = 1055, **options: Any) -> Any:
        """A payment with a saved card whose owner is not there."""
        return self.v1.payment_intents.create(
            {
                "amount": cents,
                "currency": "usd",
                "customer": customer,
                "payment_method": method,
                "allowed_payment_method_types": ["card"],
                "confirm": True,
                "off_session": True,
                "metadata": {"attempt": "7"},
            },
            options,
        )

    def paid(self, cents: int = 1000, card: str = "pm_card_visa") -> Any:
        """A payment of these cents, done."""
        return self.charge_while_away(self.customer().id, card, cents)

    def reload(self, session: Any, *expand: str) -> Any:
        return self.v1.checkout.sessions.retrieve(session.id, {"expand": list(expand)})

    def refund(self, identifier: str) -> Any:
        """One of the latest refunds, as it is now."""
        return next(each for each in self.v1.refunds.list({"limit": 100}) if each.id == identifier)

    def charge(self, payment: str) -> Any:
        """The latest charge of a payment, as it is now."""
        return self.v1.payment_intents.retrieve(payment, {"expand": ["latest_charge"]}).latest_charge

    def events_about(self, identifier: str, *types: str) -> list[Any]:
        """Events since this shop opened that mention this id, perhaps only of these types; oldest first."""
        listed = self.v1.events.list({"limit": 100, "created": {"gte": self._opened}}).auto_paging_iter()
        about = [event for event in listed if identifier in json.dumps(event.data.object.to_dict(for_json=True))]
        return [event for event in reversed(about) if not types or event.type in types]

    def now(self) -> int:
        """The sandbox's clock, which tests move ahead."""
        return int(self.state()["now"])

    def state(self) -> Any:
        """The sandbox's clock and the faults that are set."""
        return requests.get(f"{self.address}/_test/", timeout=20).json()

    def control(self, what: str, **body: Any) -> Any:
        """One call of the control API."""
        answer = requests.post(f"{self.address}/_test/{what}", json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def deliveries(self, event: str) -> Any:
        """Every delivery of an event with its attempts."""
        return requests.get(f"{self.address}/_test/deliveries", {"event": event}, timeout=20).json()["data"]


def line_item(name: str, cents: int, quantity: int = 1) -> dict[str, Any]:
    return {
        "quantity": quantity,
        "price_data": {"currency": "usd", "unit_amount": cents, "product_data": {"name": name}},
    }


class Buyer:
    """A browser without JavaScript."""

    def __init__(self) -> None:
        self._browser = requests.Session()
        self._browser.trust_env = False
        self.headers = self._browser.headers

    def look(self, url: str) -> requests.Response:
        """The page at this address, wherever it leads inside the sandbox."""
        return self._browser.get(url, timeout=20)

    def send(self, url: str, **fields: str) -> requests.Response:
        """The answer to a form; redirects are not followed."""
        return self._browser.post(url, data=fields, timeout=20, allow_redirects=False)

    def pay(self, session: Any, number: str = "4242424242424242", **fields: str) -> str:
        """Fill in the hosted page and send it. Where that leads, or '' when the form is shown again."""
        form = {"type": "card", "number": number, "expiry": "12 / 34", "cvc": "123", "name": "Alice", **fields}
        answer = self.send(session.url, **form)
        self.page = answer
        return urljoin(session.url, answer.headers["Location"]) if answer.status_code == 303 else ""

    def decide(self, bank_page: str, outcome: str) -> str:
        """Press a button on the bank's page: authorize, later or refuse. Where that leads."""
        answer = self.send(bank_page, outcome=outcome)
        assert answer.status_code == 303, answer.text
        return urljoin(bank_page, answer.headers["Location"])


def words(page: requests.Response) -> str:
    """The text of a page, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)).replace("&#x27;", "'")


class Receiver:
    """A shop's webhook address: verifies each signature, keeps the events, answers with the statuses in `answers`."""

    def __init__(self) -> None:
        self.secret = ""
        self.events: list[Any] = []
        self.forged = 0
        self.bodies: list[bytes] = []
        self.answers: list[int] = []  # for the next requests; 200 when empty
        self.may_answer = threading.Event()
        self.may_answer.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver._take(body, self.headers["Stripe-Signature"])
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                """The shop's own pages, which buyers come back to."""
                page = b"<!doctype html><html lang=en><title>Shop</title><h1>The shop</h1></html>"
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.origin}/webhooks"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _take(self, body: bytes, signature: str) -> int:
        self.may_answer.wait(60)
        if self.answers:
            return self.answers.pop(0)
        try:
            event = stripe.Webhook.construct_event(body, signature, self.secret)
        except stripe.SignatureVerificationError:
            self.forged += 1
            return 400
        self.events.append(event)
        self.bodies.append(body)  # last: tests wait for it
        return 200

    def types_about(self, identifier: str) -> list[str]:
        """The types of the received events that mention this id, in the order of arrival."""
        return [json.loads(body)["type"] for body in list(self.bodies) if identifier.encode() in body]

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        wait_until(condition, what)

    def close(self) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()
