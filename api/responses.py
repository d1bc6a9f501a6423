"""JSON answers whose amounts have every digit."""

from decimal import Decimal
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse

from accounts.models import Organisation
from common.errors import NotAuthenticated
from common.money import PicoUsd, as_usd
from keys.authentication import KeyIdentity

__all__ = ["KeyRequest", "answer", "dollars", "organisation_of"]

# Exact decimals as JSON numbers: a float would round what the ledger knows to the last digit.
_encoder = msgspec.json.Encoder(decimal_format="number")


class KeyRequest(HttpRequest):
    """A request that has shown a good key."""

    auth: KeyIdentity


def organisation_of(request: KeyRequest) -> Organisation:
    """The organisation whose key it is; NotAuthenticated (401) when it was deleted a moment ago."""
    organisation = Organisation.objects.filter(pk=request.auth.organisation_id).first()
    if organisation is None:
        raise NotAuthenticated("The organisation of this API key no longer exists.")
    return organisation


def answer(body: Any, status: int = 200) -> HttpResponse:
    """`body` as JSON; decimals become numbers. What a key may see is nobody else's: it is not cached."""
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(_encoder.encode(body), content_type="application/json", status=status, headers=headers)


def dollars(amount: int) -> Decimal:
    """pico-USD in dollars, without zeros at the end."""
    return Decimal(f"{as_usd(PicoUsd(amount)).normalize():f}")
