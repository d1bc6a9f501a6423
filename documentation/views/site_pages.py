"""Pages that visitors look for beside the documentation: prices, and where to ask."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing.payments.quotes import quote
from common.money import format_cents
from common.web.http import PageRequest
from documentation.library import current
from documentation.sources.placeholders import values

#: Purchases whose price the page of prices shows, in cents.
EXAMPLES = (1_000, 2_500, 10_000, 100_000)


@require_safe
def pricing(request: PageRequest) -> HttpResponse:
    """Fees, the limits of free models, and the price of own provider keys."""
    purchases = [
        {"credit": format_cents(cents), "fee": format_cents(offer.fee_cents), "total": format_cents(offer.total_cents)}
        for cents in EXAMPLES
        for offer in [quote(cents)]
    ]
    return render(request, "documentation/pricing.html", {"facts": values(), "purchases": purchases})


@require_safe
def support(request: PageRequest) -> HttpResponse:
    """How to get help."""
    return render(request, "documentation/support.html", {"page": current().by_slug["support"]})
