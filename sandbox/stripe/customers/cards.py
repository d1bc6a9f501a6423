"""The test cards: the behavior of each number, and the ready-made payment methods that stand for them.

Numbers and behavior are those of Stripe's documentation. A number that is not listed here is refused,
valid or not: no real card can be entered.
"""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
    """A bank's refusal, as the API words it."""

    code: str
    decline_code: str
    message: str
    advice: str | None = None
    network_code: str | None = None


_DECLINED = "Your card was declined."
DECLINES = {
    decline.decline_code: decline
    for decline in (
        Decline("card_declined", "generic_decline", _DECLINED, "try_again_later", "01"),
        Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.", "try_again_later", "51"),
        Decline("card_declined", "stolen_card", _DECLINED, "do_not_try_again", "43"),
        Decline("expired_card", "expired_card", "Your card has expired.", "confirm_card_data", "54"),
        Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", "confirm_card_data", "N7"),
        Decline(
            "authentication_required",
            "authentication_required",
            f"{_DECLINED} This transaction requires authentication.",
        ),
    )
}


@dataclass(frozen=True)
class Card:
    """One test number.

    `authentication` is when the bank asks for it: never, always, or until the card has been set up for
    later payments. `refund` is how refunds end: succeeded, pending or failed.
    """

    number: str
    alias: str
    title: str
    brand: str = "visa"
    decline: str | None = None
    attaches: bool = True
    authentication: str = "never"
    dispute: bool = False
    fraud_warning: bool = False
    refund: str = "succeeded"

    @property
    def last4(self) -> str:
        """The digits that people see."""
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        """The same for every payment method with this number."""
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]


def _declined(number: str, alias: str, title: str, decline: str) -> Card:
    return Card(number, alias, title, decline=decline, attaches=False)


#: The groups of the payment page's list of test cards.
SHEET = {
    "Succeeds": (
        Card("4242424242424242", "pm_card_visa", "Payment succeeds"),
        Card("5555555555554444", "pm_card_mastercard", "Mastercard", brand="mastercard"),
        Card("378282246310005", "pm_card_amex", "American Express", brand="amex"),
    ),
    "Declines": (
        _declined("4000000000000002", "pm_card_visa_chargeDeclined", "Declined", "generic_decline"),
        _declined(
            "4000000000009995",
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "Insufficient funds",
            "insufficient_funds",
        ),
        _declined("4000000000000069", "pm_card_chargeDeclinedExpiredCard", "Expired card", "expired_card"),
        _declined("4000000000000127", "pm_card_chargeDeclinedIncorrectCvc", "Incorrect security code", "incorrect_cvc"),
        _declined("4000000000009979", "pm_card_visa_chargeDeclinedStolenCard", "Stolen card", "stolen_card"),
    ),
    "3D Secure": (
        Card(
            "4000002760003184", "pm_card_authenticationRequired", "3D Secure on every payment", authentication="always"
        ),
        Card(
            "4000002500003155",
            "pm_card_authenticationRequiredOnSetup",
            "3D Secure, not when saved",
            authentication="until_set_up",
        ),
        Card(
            "4000008260003178",
            "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
            "3D Secure, then insufficient funds",
            authentication="always",
            decline="insufficient_funds",
        ),
    ),
    "Afterwards": (
        Card(
            "4000000000000341", "pm_card_chargeCustomerFail", "Can be saved, then declines", decline="generic_decline"
        ),
        Card("4000000000000259", "pm_card_createDispute", "Disputed as fraudulent", dispute=True),
        Card("4000000000005423", "pm_card_createIssuerFraudRecord", "Early fraud warning", fraud_warning=True),
        Card("4000000000007726", "pm_card_pendingRefund", "Refund succeeds later", refund="pending"),
        Card("4000000000005126", "pm_card_refundFail", "Refund fails later", refund="failed"),
    ),
}
BY_NUMBER = {card.number: card for group in SHEET.values() for card in group}
BY_ALIAS = {card.alias: card for card in BY_NUMBER.values()}
DEFAULT = BY_ALIAS["pm_card_visa"]


def valid_number(number: str) -> bool:
    """Whether the last digit checks the others, as on every real card."""
    digits = [int(digit) for digit in reversed(number)] if number.isdecimal() else []
    doubled = (sum(divmod(digit * 2, 10)) for digit in digits[1::2])
    return 12 <= len(digits) <= 19 and (sum(digits[::2]) + sum(doubled)) % 10 == 0
