"""Pages with this provider's words."""

from pathlib import Path

from sandbox.payments.rendering import Printer, form_of, moment, money
from sandbox.stripe.errors import Json

__all__ = ["METHODS", "card_name", "form_of", "moment", "money", "page", "printer"]

printer = Printer(Path(__file__).resolve().parent / "templates")
page = printer.page

_BRANDS = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express"}
METHODS = {"card": "Card", "alipay": "Alipay", "paypal": "PayPal", "crypto": "Crypto (USDC)"}


def card_name(method: Json) -> str:
    """A payment method's name on a page."""
    if method["type"] != "card":
        return METHODS[method["type"]]
    return f"{_BRANDS[method['card']['brand']]} ending in {method['card']['last4']}"
