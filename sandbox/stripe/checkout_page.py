"""The hosted payment page: what is bought, how it is paid, and what was wrong with the last try."""

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from . import buyer, cards, errors, ids, payment_methods
from .errors import Json
from .rendering import METHODS, card_name, form_of, money, page
from .store import Store

# What the cheat-sheet shows, by what somebody wants to try.
_SHEET = (
    ("Succeeds", ("4242424242424242", "5555555555554444", "378282246310005")),
    ("Declines", ("4000000000000002", "4000000000009995", "4000000000000069", "4000000000000127", "4000000000009979")),
    ("3D Secure", ("4000002760003184", "4000002500003155", "4000008260003178")),
    ("Afterwards", ("4000000000000341", "4000000000000259", "4000000000007726", "4000000000005126")),
)


class Problem(Exception):
    """The form cannot be sent on like this: messages by field."""

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
        entered = {"number": cards.CARDS[0].number}
        if "card" in query:  # chosen from the list of test cards
            entered = {"number": query["card"], "type": "card", "saved": "new"}
        return self._checkout(session, entered, {"form": self._last_problem(session)}, 200)

    def _closed(self, session: Json) -> Response:
        if session["status"] == "expired":
            values = {
                "title": "This page has expired",
                "text": "Nothing was charged. Go back to the shop and start again.",
                "address": session["cancel_url"],
                "link": "Back to the shop",
            }
            return page("message.html", values, 410)
        values = {
            "title": "You're all done here",
            "text": "This page has been used. You will not be charged twice.",
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
        """The form, with what was entered and what is wrong with it."""
        is_setup = session["mode"] == "setup"
        total = "" if is_setup else money(session["amount_total"], session["currency"])
        types = session["payment_method_types"]
        owner = session["customer_details"] or {}
        options = session["payment_method_options"].get("card", {})
        usage = options.get("setup_future_usage") or session["_intent"].get("setup_future_usage")
        saved = [{"id": each["id"], "name": card_name(each)} for each in buyer.saved_cards(self._store, session)]
        values = {
            "session": session,
            "merchant": session["branding_settings"]["display_name"],
            "is_setup": is_setup,
            "total": total,
            "items": [
                {
                    "name": item["description"],
                    "details": item["_details"],
                    "quantity": str(item["quantity"]) if item["quantity"] > 1 else "",
                    "amount": money(item["amount_total"], item["currency"]),
                    "each": money(item["price"]["unit_amount"], item["currency"]),
                }
                for item in session["_line_items"]
            ],
            "methods": [{"type": each, "name": METHODS[each]} for each in types],
            "several": len(types) > 1,
            "accepts_card": "card" in types,
            "chosen": entered.get("type") if entered.get("type") in types else types[0],
            "saved": saved,
            "chosen_card": entered.get("saved", saved[0]["id"] if saved else "new"),
            "email": owner.get("email") or session["customer_email"] or "",
            "entered": {"expiry": "12 / 34", "cvc": "123", "name": owner.get("name") or "", "email": ""} | entered,
            "number": _spaced(entered.get("number", "")),
            "problems": problems,
            "keeps": is_setup or usage == "off_session",
            "offers_saving": (session["saved_payment_method_options"] or {}).get("payment_method_save") == "enabled",
            "button": "Save card" if is_setup else f"Pay {total}",
            "note": (session["custom_text"]["submit"] or {}).get("message", ""),
            "sheet": [
                {"title": title, "cards": [cards.BY_NUMBER[number] for number in numbers]} for title, numbers in _SHEET
            ],
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
                self._store.request = {"id": ids.new("req"), "idempotency_key": None}
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
            return RedirectResponse(f"/authorise/{intent['id']}", 303)
        return RedirectResponse(buyer.success_url(session), 303)

    def _submit(self, session: Json, form: dict[str, str]) -> Json:
        """The session's intent after the attempt that the form describes. Raises Problem or CardDeclined."""
        types = session["payment_method_types"]
        kind = form.get("type", types[0])
        email = form.get("email") or session["customer_email"]
        problems = {}
        if not session["customer"] and not re.fullmatch(r"[^@\s]+@[^@\s]+", email or ""):
            problems["email"] = "Enter your e-mail address."
        saved = {each["id"]: each for each in buyer.saved_cards(self._store, session)}
        if kind == "card" and form.get("saved") in saved:
            if problems:
                raise Problem(problems)
            return buyer.pay(self._store, session, saved[form["saved"]], email)
        card: cards.Card | None = None
        details: Json = {"billing_details": {"email": email, "name": form.get("name") or None}}
        if kind == "card":
            details["card"] = _card_fields(form, problems)
        if problems:
            raise Problem(problems)
        if kind == "card":
            card = payment_methods.card_of_number(form["number"], "number")
            payment_methods.check_expiry(
                self._store, details["card"]["exp_month"], details["card"]["exp_year"], "expiry"
            )
        method = buyer.method_for(self._store, session, kind, card, details)
        return buyer.pay(self._store, session, method, email, save="save" in form)


def _card_fields(form: dict[str, str], problems: dict[str, str]) -> Json:
    """Month, year and cvc of the form; notes in `problems` what cannot be read."""
    if not form.get("number"):
        problems["number"] = "Enter a card number."
    expiry = re.fullmatch(r"(\d{1,2})\s*/?\s*(\d{2}|\d{4})", form.get("expiry", ""))
    if not expiry or not 1 <= int(expiry[1]) <= 12:
        problems["expiry"] = "Enter the date as MM / YY."
    if not re.fullmatch(r"\d{3,4}", form.get("cvc", "")):
        problems["cvc"] = "Enter the 3 or 4 digits of the security code."
    if problems or not expiry:
        return {}
    year = int(expiry[2])
    return {"exp_month": int(expiry[1]), "exp_year": year + 2000 if year < 100 else year, "cvc": form["cvc"]}


def _field(error: errors.CardDeclined) -> str:
    """The form field that an error is about."""
    param = str(error.fields.get("param") or "")
    return "number" if param == "number" else "expiry" if param.startswith("expiry") else "form"


def _spaced(number: str) -> str:
    digits = re.sub(r"\D", "", number)
    return " ".join(digits[place : place + 4] for place in range(0, len(digits), 4))
