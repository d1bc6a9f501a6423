"""The addresses of the pages that people see. They need no JavaScript, and each says that no real money moves."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.payments.rendering import BadForm, fixed_routes

from . import errors, timers
from .bank_page import BankPage
from .checkout_page import CheckoutPage
from .dashboard import Dashboard
from .receipt_page import ReceiptPage
from .rendering import page
from .store import Store

View = Callable[[Request], Awaitable[Response]]


def routes(store: Store, site_url: str | None) -> list[Route]:
    """One route per page and form."""
    checkout, bank, receipt, dashboard = (
        CheckoutPage(store),
        BankPage(store),
        ReceiptPage(store),
        Dashboard(store, site_url),
    )

    def guarded(view: View) -> View:
        async def answer(request: Request) -> Response:
            timers.run_due(store)
            try:
                return await view(request)
            except errors.StripeError as error:
                title = "There is nothing here" if error.status == 404 else "That did not work"
                return page("message.html", {"title": title, "text": str(error)}, error.status)
            except BadForm as error:
                return page("message.html", {"title": "That did not work", "text": str(error)}, error.status)

        return answer

    return [
        Route("/", guarded(dashboard.start)),
        Route("/payments/{identifier}", guarded(dashboard.payment)),
        Route("/payments/{identifier}", guarded(dashboard.act), methods=["POST"]),
        Route("/c/pay/{identifier}", guarded(checkout.show)),
        Route("/c/pay/{identifier}", guarded(checkout.pay), methods=["POST"]),
        Route("/authorise/{identifier}", guarded(bank.show)),
        Route("/authorise/{identifier}", guarded(bank.decide), methods=["POST"]),
        Route("/receipts/{identifier}", guarded(receipt.show)),
        *fixed_routes(),
    ]
