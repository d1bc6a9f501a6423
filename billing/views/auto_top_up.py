"""The auto top-up page with the saved cards. For admins only."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access
from accounts.models import Membership
from billing import spending
from billing.models import AutoTopUp, CreditAccount, SavedCard
from billing.payments import auto_top_up, cards
from billing.payments.quotes import Quote, fee_rule
from billing.providers.types import ProviderError
from common.money import format_cents
from common.web.http import AuthedRequest

from .forms import AutoTopUpForm, TopUpPriceForm, input_text

PROVIDER_UNREACHABLE = "Couldn't reach the payment provider. Try again in a minute."


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def show_auto_top_up(request: AuthedRequest) -> HttpResponse:
    """Show the agreement; a POST replaces it."""
    account = spending.account_of(access.for_admin(request))
    agreement = AutoTopUp.objects.select_related("card").filter(account=account).first()
    usable = SavedCard.objects.filter(account=account, state=SavedCard.State.ACTIVE).order_by("-pk")
    form = AutoTopUpForm(request.POST or None, cards=usable, initial=_initial(agreement, list(usable)))
    if form.is_valid():
        _turn_on(request, account, form)
        return redirect("billing:auto-top-up")
    price = TopUpPriceForm({"amount": form["amount"].value()})
    context = {
        "account": account,
        "agreement": agreement,
        "eligibility": auto_top_up.eligibility(agreement) if agreement and agreement.is_on else None,
        "cards": usable,
        "form": form,
        "quote": price.quote if price.is_valid() else None,
        "fee_rule": fee_rule(),
    }
    return render(request, "billing/auto_top_up.html", context, status=422 if form.is_bound else 200)


def _turn_on(request: AuthedRequest, account: CreditAccount, form: AutoTopUpForm) -> None:
    chosen = form.cleaned_data
    auto_top_up.turn_on(
        account,
        request.user,
        chosen["card"],
        auto_top_up.Terms(chosen["threshold"], chosen["amount"], chosen["daily_limit"]),
        ip=request.META.get("REMOTE_ADDR") or None,
        consent=_consent_text(form.quote, chosen["card"], chosen["threshold"]),
    )
    spending.report_low_balance(CreditAccount.objects.get(pk=account.pk))  # it may be low already
    messages.success(request, "Auto top-up is on.")


def _initial(agreement: AutoTopUp | None, usable: list[SavedCard]) -> dict[str, Any]:
    newest = next((card for card in usable if not card.has_expired), None)
    if agreement is None:
        return {"card": newest}
    return {
        "threshold": input_text(agreement.threshold_cents),
        "amount": input_text(agreement.amount_cents),
        "daily_limit": input_text(agreement.daily_limit_cents),
        "card": newest if agreement.off_reason else agreement.card or newest,
    }


def _consent_text(quote: Quote, card: SavedCard, threshold_cents: int) -> str:
    return (
        f"I allow {settings.SITE_NAME} to charge {card} {format_cents(quote.total_cents)} "
        f"({format_cents(quote.credit_cents)} of credits and a platform fee of {format_cents(quote.fee_cents)}) "
        f"whenever the balance drops below {format_cents(threshold_cents)}, until I turn auto top-up off."
    )


@login_required
@never_cache
@require_GET
def show_top_up_price(request: AuthedRequest) -> HttpResponse:
    """Return the part of the page with the price of one auto top-up of the form's amount."""
    access.for_admin(request)
    form = TopUpPriceForm(request.GET)
    context = {"quote": form.quote if form.is_valid() else None, "fee_rule": fee_rule()}
    return render(request, "billing/partials/top_up_price.html", context)


@login_required
@require_POST
def stop_auto_top_up(request: AuthedRequest) -> HttpResponse:
    """Turn off auto top-up."""
    account = spending.account_of(access.for_admin(request))
    if auto_top_up.turn_off(account):
        messages.success(request, "Auto top-up is off. We won't charge your card automatically.")
    return redirect("billing:auto-top-up")


@login_required
@require_POST
def add_card(request: AuthedRequest) -> HttpResponse:
    """Redirect to the provider's page that saves a card."""
    account = spending.account_of(access.for_admin(request))
    try:
        return redirect(cards.open_setup_page(account, request.user, site=settings.SITE_URL))
    except ProviderError:
        messages.error(request, PROVIDER_UNREACHABLE)
        return redirect("billing:auto-top-up")


@login_required
@never_cache
@require_GET
def card_return(request: AuthedRequest) -> HttpResponse:
    """Return from the provider's page with the saved card."""
    try:
        card = cards.save_from_setup(request.GET.get("s", ""))
    except ProviderError:
        messages.warning(request, f"{PROVIDER_UNREACHABLE} If you added a card, it will appear here automatically.")
        return redirect("billing:auto-top-up")
    administered = Membership.objects.filter(user=request.user, role=Membership.Role.ADMIN).values("organisation")
    if card is None or not CreditAccount.objects.filter(pk=card.account_id, organisation__in=administered).exists():
        raise Http404
    messages.success(request, f"{card} added.")
    return redirect("billing:auto-top-up")


@login_required
@require_POST
def remove_card(request: AuthedRequest, card_id: int) -> HttpResponse:
    """Remove a saved card, at the provider too."""
    account = spending.account_of(access.for_admin(request))
    card = get_object_or_404(SavedCard, account=account, pk=card_id, state=SavedCard.State.ACTIVE)
    try:
        cards.remove(card)
        messages.success(request, f"{card} removed.")
    except ProviderError:
        messages.error(request, PROVIDER_UNREACHABLE)
    return redirect("billing:auto-top-up")
