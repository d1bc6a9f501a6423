"""The test cards: what each number does, and the ready-made payment methods that stand for them.

Numbers and behaviour are those of Stripe's documentation. A number that is not listed here is refused,
valid or not: no real card can be entered.
"""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Decline:
    """How a bank says no."""

    code: str
    decline_code: str
    message: str
    advice: str | None = None
    network_code: str | None = None


DECLINES = {
    decline.decline_code: decline
    for decline in (
        Decline("card_declined", "generic_decline", "Your card was declined.", "try_again_later", "01"),
        Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.", "try_again_later", "51"),
        Decline("card_declined", "lost_card", "Your card was declined.", "do_not_try_again", "41"),
        Decline("card_declined", "stolen_card", "Your card was declined.", "do_not_try_again", "43"),
        Decline("card_declined", "fraudulent", "Your card was declined.", "do_not_try_again"),
        Decline(
            "card_declined",
            "card_velocity_exceeded",
            "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
            "try_again_later",
            "65",
        ),
        Decline("expired_card", "expired_card", "Your card has expired.", "confirm_card_data", "54"),
        Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", "confirm_card_data", "N7"),
        Decline(
            "processing_error",
            "processing_error",
            "An error occurred while processing your card. Try again in a little bit.",
            "try_again_later",
            "06",
        ),
        Decline(
            "authentication_required",
            "authentication_required",
            "Your card was declined. This transaction requires authentication.",
        ),
    )
}


@dataclass(frozen=True)
class Card:
    """One test number.

    `authentication` is when the bank asks for it: never, always, or until the card has been set up for
    later payments; `set_up` marks a card that already is. `refund` is how refunds end.
    """

    number: str
    alias: str
    title: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    decline: str | None = None
    attaches: bool = True
    authentication: str = "never"
    set_up: bool = False
    dispute: str | None = None
    inquiry: bool = False
    fraud_warning: bool = False
    refund: str = "succeeded"

    @property
    def last4(self) -> str:
        """The digits that people see."""
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        """The same for the same number, whoever uses it."""
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]


def _declined(number: str, alias: str, title: str, decline: str) -> Card:
    return Card(number, alias, title, decline=decline, attaches=False)


CARDS = (
    Card("4242424242424242", "pm_card_visa", "Payment succeeds"),
    Card("4000056655665556", "pm_card_visa_debit", "Visa debit", funding="debit"),
    Card("5555555555554444", "pm_card_mastercard", "Mastercard", brand="mastercard"),
    Card("5200828282828210", "pm_card_mastercard_debit", "Mastercard debit", brand="mastercard", funding="debit"),
    Card("378282246310005", "pm_card_amex", "American Express", brand="amex"),
    Card("6011111111111117", "pm_card_discover", "Discover", brand="discover"),
    Card("3566002020360505", "pm_card_jcb", "JCB", brand="jcb", country="JP"),
    Card("3056930009020004", "pm_card_diners", "Diners Club", brand="diners"),
    Card("6200000000000005", "pm_card_unionpay", "UnionPay", brand="unionpay", country="CN"),
    _declined("4000000000000002", "pm_card_visa_chargeDeclined", "Declined", "generic_decline"),
    _declined(
        "4000000000009995", "pm_card_visa_chargeDeclinedInsufficientFunds", "Insufficient funds", "insufficient_funds"
    ),
    _declined("4000000000009987", "pm_card_visa_chargeDeclinedLostCard", "Lost card", "lost_card"),
    _declined("4000000000009979", "pm_card_visa_chargeDeclinedStolenCard", "Stolen card", "stolen_card"),
    _declined("4000000000000069", "pm_card_chargeDeclinedExpiredCard", "Expired card", "expired_card"),
    _declined("4000000000000127", "pm_card_chargeDeclinedIncorrectCvc", "Incorrect security code", "incorrect_cvc"),
    _declined("4000000000000119", "pm_card_chargeDeclinedProcessingError", "Processing error", "processing_error"),
    _declined(
        "4000000000006975",
        "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
        "Too many attempts",
        "card_velocity_exceeded",
    ),
    _declined("4100000000000019", "pm_card_radarBlock", "Blocked as fraudulent", "fraudulent"),
    Card("4000000000000341", "pm_card_chargeCustomerFail", "Can be saved, then declines", decline="generic_decline"),
    Card("4000002760003184", "pm_card_authenticationRequired", "3D Secure on every payment", authentication="always"),
    Card(
        "4000002500003155",
        "pm_card_authenticationRequiredOnSetup",
        "3D Secure, not when saved",
        authentication="until_set_up",
    ),
    Card(
        "4000003800000446",
        "pm_card_authenticationRequiredSetupForOffSession",
        "3D Secure, saved already",
        authentication="until_set_up",
        set_up=True,
    ),
    Card(
        "4000008260003178",
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        "3D Secure, then insufficient funds",
        authentication="always",
        decline="insufficient_funds",
    ),
    Card("4000000000003220", "pm_card_threeDSecure2Required", "3D Secure required", authentication="always"),
    Card(
        "4000008400001629",
        "pm_card_threeDSecureRequiredChargeDeclined",
        "3D Secure, then declined",
        authentication="always",
        decline="generic_decline",
    ),
    Card("4000000000003055", "pm_card_threeDSecureOptional", "3D Secure possible, not asked for"),
    Card("4000000000000259", "pm_card_createDispute", "Disputed as fraudulent", dispute="fraudulent"),
    Card(
        "4000000000002685",
        "pm_card_createDisputeProductNotReceived",
        "Disputed as not received",
        dispute="product_not_received",
    ),
    Card("4000000000001976", "pm_card_createDisputeInquiry", "Inquiry by the bank", dispute="fraudulent", inquiry=True),
    Card("4000000000005423", "pm_card_createIssuerFraudRecord", "Early fraud warning", fraud_warning=True),
    Card("4000000000007726", "pm_card_pendingRefund", "Refund succeeds later", refund="pending"),
    Card("4000000000005126", "pm_card_refundFail", "Refund fails later", refund="failed"),
)
BY_NUMBER = {card.number: card for card in CARDS}
BY_ALIAS = {card.alias: card for card in CARDS}


def valid_number(number: str) -> bool:
    """Whether the last digit checks the others, as on every real card."""
    digits = [int(digit) for digit in reversed(number)] if number.isdecimal() else []
    doubled = (sum(divmod(digit * 2, 10)) for digit in digits[1::2])
    return 12 <= len(digits) <= 19 and (sum(digits[::2]) + sum(doubled)) % 10 == 0
