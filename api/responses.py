"""JSON responses whose amounts have every digit."""

from decimal import Decimal
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse

from accounts.models import Organisation
from common.errors import NotAuthenticated
from common.money import PicoUsd, as_usd
from keys.authentication import KeyIdentity

__all__ = ["KeyRequest", "dollars", "encoder", "json_response", "organisation_of"]

# Decimals become JSON numbers as they are: a float would round the ledger's last digits.
encoder = msgspec.json.Encoder(decimal_format="number")


class KeyRequest(HttpRequest):
    """A request that a key has authenticated."""

    auth: KeyIdentity


def organisation_of(request: KeyRequest) -> Organisation:
    """Return the organization that owns the key. Raises NotAuthenticated (401) when it has just been deleted."""
    organisation = Organisation.objects.filter(pk=request.auth.organisation_id, deleted_at=None).first()
    if organisation is None:
        raise NotAuthenticated("The organization of this API key no longer exists.")
    return organisation


def json_response(body: Any, status: int = 200) -> HttpResponse:
    """Return `body` as JSON with decimals as numbers. It is never cached: it belongs to one account."""
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(encoder.encode(body), content_type="application/json", status=status, headers=headers)


def dollars(amount: int) -> Decimal:
    """Return pico-USD as dollars, without trailing zeros or an exponent."""
    return as_usd(PicoUsd(amount))
