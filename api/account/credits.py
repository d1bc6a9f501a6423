"""`/api/v1/credits`: what an account has bought and spent."""

from typing import NoReturn

from django.http import HttpRequest, HttpResponse
from ninja import Router

from api.account.schemas import organization as schemas
from api.responses import KeyRequest, dollars, json_response
from billing.models import CreditAccount
from common.errors import Gone

router = Router(tags=["Credits"])


@router.get("/credits", response=schemas.Credits, operation_id="getCredits", summary="Get remaining credits")
def get_credits(request: KeyRequest) -> HttpResponse:
    """Return all credits added, less what was taken back, and all usage, in dollars. The balance is the difference."""
    account = CreditAccount.objects.filter(organisation_id=request.auth.organisation_id)
    added, used = account.values_list("credits", "usage").first() or (0, 0)
    return json_response({"data": {"total_credits": dollars(added), "total_usage": dollars(used)}})


@router.post("/credits/coinbase", auth=None, operation_id="createCoinbaseCharge", deprecated=True, response={410: None})
def create_coinbase_charge(request: HttpRequest) -> NoReturn:
    """Removed: Coinbase has shut down the API behind it. Always 410."""
    raise Gone(
        "Coinbase has shut down the interface behind this endpoint, so it has been removed. "
        "Buy credits on the Credits page of this site instead: /settings/credits."
    )
