"""The page of a bank, Alipay, PayPal or a wallet, on which the owner of a payment method agrees or refuses."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.stripe import errors
from sandbox.stripe.errors import Json
from sandbox.stripe.payments import buyer
from sandbox.stripe.store import Store

from .rendering import card_name, form_of, money, page

_TITLES = {"card": "3D Secure", "alipay": "Alipay", "paypal": "PayPal", "crypto": "Crypto wallet"}


class BankPage:
    """The page of an intent that requires an action."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def show(self, request: Request) -> Response:
        """The question whether to let the payment through."""
        intent = self._intent(request.path_params["identifier"])
        if intent["status"] != "requires_action":
            return self._done(intent)
        method = self._store.get(intent["payment_method"], "payment_method")
        session = buyer.session_of(self._store, intent)
        is_setup = intent["object"] == "setup_intent"
        values = {
            "intent": intent,
            "type": method["type"],
            "method": card_name(method),
            "merchant": session["branding_settings"]["display_name"],
            "total": "" if is_setup else money(intent["amount"], intent["currency"]),
            "title": _TITLES[method["type"]],
        }
        return page("authorize.html", values, 200, (session["success_url"], session["cancel_url"]))

    async def decide(self, request: Request) -> Response:
        """The buyer agreed, refused, or agreed with the money to follow later."""
        form = await form_of(request)
        intent = self._intent(request.path_params["identifier"])
        if intent["status"] != "requires_action":
            return self._done(intent)
        with self._store.transaction():
            try:
                if form.get("outcome") in ("authorize", "later"):
                    buyer.authorize(self._store, intent, later=form["outcome"] == "later")
                else:
                    buyer.refuse(self._store, intent)
            except errors.CardDeclined as error:
                if not error.kept:
                    raise
        return self._done(intent)

    def _intent(self, identifier: str) -> Json:
        intent = self._store.find(identifier)
        if intent is None or intent["object"] not in ("payment_intent", "setup_intent"):
            raise errors.missing("payment_intent", identifier)
        return intent

    def _done(self, intent: Json) -> Response:
        session = buyer.session_of(self._store, intent)
        if session["status"] == "open":
            return RedirectResponse(f"/c/pay/{session['id']}", 303)
        return RedirectResponse(buyer.success_url(session), 303)
