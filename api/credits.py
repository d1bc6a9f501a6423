"""The JSON API of credits."""

from decimal import Decimal
from typing import NoReturn

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from billing.models import CreditAccount
from common.errors import Gone
from common.money import PicoUsd, as_usd

router = Router(tags=["Credits"])

# Exact decimals as JSON numbers: a float would round what the ledger knows to the last digit.
_encoder = msgspec.json.Encoder(decimal_format="number")


class Totals(Schema):
    """Dollars, exact to twelve decimals. The balance is the difference."""

    total_credits: float
    total_usage: float


class Credits(Schema):
    data: Totals


@router.get("/credits", response=Credits, operation_id="getCredits", summary="Get remaining credits")
def get_credits(request: HttpRequest) -> HttpResponse:
    """All credits that the account ever received less what was taken back, and all that it has spent."""
    organisation = request.auth.organisation_id  # type: ignore[attr-defined]  # set by the API's authenticator
    totals = CreditAccount.objects.filter(organisation_id=organisation).values_list("credits", "usage").first()
    received, used = totals or (0, 0)
    body = _encoder.encode({"data": {"total_credits": _plain(received), "total_usage": _plain(used)}})
    return HttpResponse(body, content_type="application/json")


@router.post("/credits/coinbase", auth=None, operation_id="createCoinbaseCharge", deprecated=True, response={410: None})
def create_coinbase_charge(request: HttpRequest) -> NoReturn:
    """Removed: the provider behind it has shut its interface down."""
    raise Gone(
        "Coinbase has shut down the interface behind this endpoint, so it has been removed. "
        "Buy credits on the Credits page of this site instead: /settings/credits."
    )


def _plain(amount: int) -> Decimal:
    """Dollars without an exponent and without zeros at the end."""
    return Decimal(f"{as_usd(PicoUsd(amount)).normalize():f}")
