"""Explanations of declined payments, for buyers."""

__all__ = ["explain", "summarize"]

_CARD_NUMBER = "The card number is incorrect. Check it and try again."
_CARD_CODE = "The security code is incorrect. Check the three or four digits and try again."
_CARD_DATE = "The expiration date is incorrect. Check it and try again."
_LIMIT = "The card has reached its limit. Contact your bank, use another card, or pay with Alipay."

#: Decline code -> explanation and remedy. Codes that would inform a thief (lost or stolen cards, suspected fraud) are
#: left out on purpose: they read like a decline without a reason.
_EXPLANATIONS = {
    "insufficient_funds": "The card doesn't have enough funds. Buy less, use another card, or pay with Alipay.",
    "expired_card": "The card has expired. Use another card, or pay with Alipay.",
    "incorrect_cvc": _CARD_CODE,
    "invalid_cvc": _CARD_CODE,
    "incorrect_number": _CARD_NUMBER,
    "invalid_number": _CARD_NUMBER,
    "invalid_expiry_month": _CARD_DATE,
    "invalid_expiry_year": _CARD_DATE,
    "authentication_required": "Your bank requires authentication. Try again and confirm the payment with your bank.",
    "payment_intent_authentication_failure": "Authentication with your bank failed. Try again, or use another card.",
    "processing_error": "The payment couldn't be processed. Try again in a few minutes.",
    "issuer_not_available": "Your bank couldn't be reached. Try again in a few minutes.",
    "card_velocity_exceeded": _LIMIT,
    "withdrawal_count_limit_exceeded": _LIMIT,
    "card_not_supported": "The card doesn't support this payment. Use another card, or pay with Alipay.",
    "currency_not_supported": "The card doesn't support payments in US dollars. Use another card, or pay with Alipay.",
}
_WITHOUT_REASON = {
    "card": "Your bank declined the payment without a reason. Contact your bank, use another card, or pay with Alipay.",
    "paypal": "PayPal declined the payment. Try again with another way to pay in PayPal, or pay by card.",
    "alipay": "Alipay declined the payment. Try again, or pay by card.",
    "usdc": "The USDC payment failed. Check your wallet. If no USDC was sent, try again.",
}


def explain(code: str, method: str = "card") -> str:
    """One or two sentences about a decline of this payment method; empty without a decline code."""
    if not code:
        return ""
    if method != "card":
        return _WITHOUT_REASON[method]
    return _EXPLANATIONS.get(code, _WITHOUT_REASON["card"])


def summarize(code: str) -> str:
    """The first sentence of `explain`, without the advice: for charges made while the buyer is away."""
    return explain(code).partition(". ")[0].removesuffix(".") + "."
