"""The addresses of the pages that people see. They need no JavaScript, and each says that no real money moves."""

from functools import partial

from starlette.routing import Route

from sandbox.payments.rendering import fixed_routes
from sandbox.stripe import timers
from sandbox.stripe.store import Store

from .bank import BankPage
from .checkout import CheckoutPage
from .dashboard import Dashboard
from .receipt import ReceiptPage
from .rendering import printer


def routes(store: Store) -> list[Route]:
    """One route per page and form."""
    checkout, bank, receipt, dashboard = CheckoutPage(store), BankPage(store), ReceiptPage(store), Dashboard(store)
    guarded = partial(printer.guarded, run_due=partial(timers.run_due, store))
    return [
        Route("/", guarded(dashboard.start)),
        Route("/payments/{identifier}", guarded(dashboard.payment)),
        Route("/payments/{identifier}", guarded(dashboard.act), methods=["POST"]),
        Route("/c/pay/{identifier}", guarded(checkout.show)),
        Route("/c/pay/{identifier}", guarded(checkout.pay), methods=["POST"]),
        Route("/authorize/{identifier}", guarded(bank.show)),
        Route("/authorize/{identifier}", guarded(bank.decide), methods=["POST"]),
        Route("/receipts/{identifier}", guarded(receipt.show)),
        *fixed_routes(),
    ]
