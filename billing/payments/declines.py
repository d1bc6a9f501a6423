"""Explanations of declined payments, for buyers."""

__all__ = ["explain", "summarize"]

_CARD_NUMBER = "The card number is not right. Check it and try again."
_CARD_CODE = "The security code does not match the card. Check the three or four digits and try again."
_CARD_DATE = "The card's expiry date is not right. Check it and try again."
_LIMIT = "The card has reached its limit. Ask your bank, use another card, or pay with AliPay."

#: Decline code -> explanation and remedy. Codes that would inform a thief (lost or stolen cards, suspected fraud) are
#: left out on purpose: they read like a decline without a reason.
_EXPLANATIONS = {
    "insufficient_funds": "The card does not have enough funds. Buy less, use another card, or pay with AliPay.",
    "expired_card": "The card has expired. Use another card, or pay with AliPay.",
    "incorrect_cvc": _CARD_CODE,
    "invalid_cvc": _CARD_CODE,
    "incorrect_number": _CARD_NUMBER,
    "invalid_number": _CARD_NUMBER,
    "invalid_expiry_month": _CARD_DATE,
    "invalid_expiry_year": _CARD_DATE,
    "authentication_required": "The bank wants you to confirm this payment. Try again and finish the bank's check.",
    "payment_intent_authentication_failure": "The bank's check was not completed. Try again, or use another card.",
    "processing_error": "The payment could not be processed just now. Try again in a few minutes.",
    "issuer_not_available": "The bank could not be reached. Try again in a few minutes.",
    "card_velocity_exceeded": _LIMIT,
    "withdrawal_count_limit_exceeded": _LIMIT,
    "card_not_supported": "The card does not allow this kind of payment. Use another card, or pay with AliPay.",
    "currency_not_supported": "The card cannot pay in US dollars. Use another card, or pay with AliPay.",
}
_WITHOUT_REASON = {
    "card": (
        "The payment was declined and the bank gave no reason. Ask your bank to allow it, use another card, "
        "or pay with AliPay."
    ),
    "alipay": "AliPay did not let the payment through. Try again, or pay by card.",
    "usdc": "The USDC payment did not go through. Look into your wallet: if nothing has left it, try again.",
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
