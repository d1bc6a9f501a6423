"""The hosted payment page: the goods, the ways to pay, and the mistakes of the last try."""

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.stripe import errors
from sandbox.stripe.customers import cards, payment_methods
from sandbox.stripe.errors import Json
from sandbox.stripe.payments import buyer
from sandbox.stripe.store import Store

from .rendering import METHODS, form_of, money, page


class Problem(Exception):
    """The form cannot be accepted: messages by field."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("; ".join(fields.values()))
        self.fields = fields


class CheckoutPage:
    """The page of a session."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def show(self, request: Request) -> Response:
        """The page of an open session; of a closed one, how it ended."""
        session = self._store.get(request.path_params["identifier"], "checkout.session")
        if session["status"] != "open":
            return self._closed(session)
        query = request.query_params
        entered = {"number": cards.DEFAULT.number}
        if "card" in query:  # chosen from the list of test cards
            entered = {"number": query["card"], "type": "card"}
        return self._checkout(session, entered, {"form": self._last_problem(session)}, 200)

    def _closed(self, session: Json) -> Response:
        if session["status"] == "expired":
            values = {
                "title": "This page has expired",
                "text": "You weren't charged. Go back to the shop and start again.",
                "address": session["cancel_url"],
                "link": "Back to the shop",
            }
            return page("message.html", values, 410)
        values = {
            "title": "You're all done here",
            "text": "This page has been used. You won't be charged twice.",
            "address": buyer.success_url(session),
            "link": "Continue to the shop",
        }
        return page("message.html", values)

    def _last_problem(self, session: Json) -> str:
        intent = self._store.find(session["payment_intent"] or session["setup_intent"] or "")
        problem = intent and (intent.get("last_payment_error") or intent.get("last_setup_error"))
        if not problem:
            return ""
        if problem["code"].endswith("authentication_failure"):
            return "We could not authenticate your payment method. Choose another one, or try again."
        return str(problem["message"])

    def _checkout(self, session: Json, entered: dict[str, str], problems: dict[str, str], status: int) -> Response:
        """The form, with the values entered and the mistakes in them."""
        is_setup = session["mode"] == "setup"
        total = "" if is_setup else money(session["amount_total"], session["currency"])
        types = session["payment_method_types"]
        owner = session["customer_details"]
        usage = session["payment_method_options"].get("card", {}).get("setup_future_usage")
        values = {
            "session": session,
            "merchant": session["branding_settings"]["display_name"],
            "is_setup": is_setup,
            "total": total,
            "items": [
                {"name": item["name"], "amount": money(item["amount"], session["currency"])}
                for item in session["_items"]
            ],
            "methods": [{"type": each, "name": METHODS[each]} for each in types],
            "several": len(types) > 1,
            "accepts_card": "card" in types,
            "chosen": entered.get("type") if entered.get("type") in types else types[0],
            "email": owner["email"] or "",
            "entered": {"expiry": "12 / 34", "cvc": "123", "name": owner["name"] or ""} | entered,
            "number": _spaced(entered.get("number", "")),
            "problems": problems,
            "keeps": is_setup or usage == "off_session",
            "button": "Save card" if is_setup else f"Pay {total}",
            "sheet": [{"title": title, "cards": group} for title, group in cards.SHEET.items()],
        }
        return page("checkout.html", values, status, (session["success_url"], session["cancel_url"]))

    async def pay(self, request: Request) -> Response:
        """The form was sent: on to the shop, to the bank, or back to the form."""
        form = await form_of(request)
        session = self._store.get(request.path_params["identifier"], "checkout.session")
        if session["status"] == "complete":
            # A second click on the button: the first one has paid.
            return RedirectResponse(buyer.success_url(session), 303)
        if session["status"] != "open":
            return self._closed(session)
        try:
            with self._store.transaction():
                try:
                    intent = self._submit(session, form)
                except errors.CardDeclined as error:
                    if not error.kept:
                        raise
                    return self._checkout(session, form, {"form": str(error)}, 402)
        except errors.CardDeclined as error:
            return self._checkout(session, form, {_field(error): str(error)}, 402)
        except Problem as problem:
            return self._checkout(session, form, problem.fields, 422)
        if intent["status"] == "requires_action":
            return RedirectResponse(f"/authorize/{intent['id']}", 303)
        return RedirectResponse(buyer.success_url(session), 303)

    def _submit(self, session: Json, form: dict[str, str]) -> Json:
        """The session's intent after the attempt that the form describes. Raises Problem or CardDeclined."""
        kind = form.get("type", session["payment_method_types"][0])
        details: Json = {"email": session["customer_details"]["email"], "name": form.get("name") or None}
        card: cards.Card | None = None
        if kind == "card":
            details |= _expiry(form)
            card = payment_methods.card_of_number(form["number"], "number")
            payment_methods.check_expiry(self._store, details["exp_month"], details["exp_year"], "expiry")
        return buyer.pay(self._store, session, buyer.method_for(self._store, session, kind, card, details))


def _expiry(form: dict[str, str]) -> Json:
    """Month and year of the form's card. Raises Problem for fields that cannot be read."""
    problems = {}
    if not form.get("number"):
        problems["number"] = "Enter a card number."
    expiry = re.fullmatch(r"(\d{1,2})\s*/?\s*(\d{2}|\d{4})", form.get("expiry", ""))
    if not expiry or not 1 <= int(expiry[1]) <= 12:
        problems["expiry"] = "Enter the date as MM / YY."
    if not re.fullmatch(r"\d{3,4}", form.get("cvc", "")):
        problems["cvc"] = "Enter the 3 or 4 digits of the security code."
    if problems or not expiry:
        raise Problem(problems)
    year = int(expiry[2])
    return {"exp_month": int(expiry[1]), "exp_year": year + 2000 if year < 100 else year}


def _field(error: errors.CardDeclined) -> str:
    """The form field that an error is about."""
    param = str(error.fields.get("param") or "")
    return "number" if param == "number" else "expiry" if param.startswith("expiry") else "form"


def _spaced(number: str) -> str:
    digits = re.sub(r"\D", "", number)
    return " ".join(digits[place : place + 4] for place in range(0, len(digits), 4))
