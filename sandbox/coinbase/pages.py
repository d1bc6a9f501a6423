"""The crypto payment page, and a start page for developers. No JavaScript is needed."""

from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.payments import deliveries
from sandbox.payments.rendering import Printer, fixed_routes, form_of
from sandbox.payments.store import Json, Store

from . import checkouts
from .errors import not_found

printer = Printer(Path(__file__).resolve().parent / "templates")
page = printer.page

_ENDED = {
    "COMPLETED": ("Paid", "The payment has arrived. You won't be charged twice.", "successRedirectUrl"),
    "PROCESSING": ("On its way", "The payment was sent. It is waiting for confirmation.", "successRedirectUrl"),
    "EXPIRED": (
        "This page has expired",
        "You weren't charged. Go back to the shop and start again.",
        "failRedirectUrl",
    ),
    "DEACTIVATED": ("This page was closed by the shop", "You weren't charged.", "failRedirectUrl"),
    "FAILED": ("The payment failed", "You weren't charged. Go back to the shop and start again.", "failRedirectUrl"),
}


def routes(store: Store) -> list[Route]:
    """One route per page and form."""

    def checkout_of(request: Request) -> Json:
        link = request.path_params["link"]
        if not link.startswith("pl_"):
            raise not_found(link)
        return checkouts.get(store, link.removeprefix("pl_"))

    async def show(request: Request) -> Response:
        checkout = checkout_of(request)
        if checkout["status"] != "ACTIVE":
            return ended(checkout)
        return page("pay.html", {"checkout": checkout}, 200, targets(checkout))

    async def pay(request: Request) -> Response:
        form, checkout = await form_of(request), checkout_of(request)
        if checkout["status"] == "ACTIVE":
            with store.transaction():
                if form.get("outcome") == "fail":
                    checkouts.fail(store, checkout)
                else:
                    checkouts.pay(store, checkout)
                    if form.get("outcome") != "later":
                        checkouts.confirm(store, checkout, checkouts.other_amount(checkout, form.get("outcome")))
        address = checkout.get(_ENDED.get(checkout["status"], _ENDED["COMPLETED"])[2])
        return RedirectResponse(address or f"/payment-links/pl_{checkout['id']}", 303)

    async def start(request: Request) -> Response:
        rows = store.all("checkout", limit=30)
        values = {
            "checkouts": [
                {"url": each["url"], "amount": each["amount"], "status": each["status"].lower().replace("_", " ")}
                for each in rows
            ],
            "endpoints": [each["url"] for each in store.all("endpoint")],
            "waiting": str(deliveries.waiting(store)),
        }
        return page("start.html", values)

    guarded = partial(printer.guarded, run_due=partial(checkouts.run_due, store))
    return [
        Route("/", guarded(start)),
        Route("/payment-links/{link}", guarded(show)),
        Route("/payment-links/{link}", guarded(pay), methods=["POST"]),
        *fixed_routes(),
    ]


def ended(checkout: Json) -> Response:
    """The page of a checkout that takes no payment anymore."""
    title, text, target = _ENDED.get(checkout["status"], _ENDED["COMPLETED"])
    values = {"title": title, "text": text, "address": checkout.get(target), "link": "Back to the shop"}
    return page("message.html", values, 410 if checkout["status"] in ("EXPIRED", "DEACTIVATED") else 200)


def targets(checkout: Json) -> tuple[str, ...]:
    """The addresses to which the form may lead."""
    return tuple(checkout[name] for name in ("successRedirectUrl", "failRedirectUrl") if name in checkout)
