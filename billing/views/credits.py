"""The credits page. Every member of the organization sees the balance; admins also buy credits and see the history."""

import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts import access
from accounts.models import Organisation
from billing import spending
from billing.credits import expiry, promotions
from billing.models import AutoTopUp, CreditAccount, Purchase
from billing.notifications import low_balance
from billing.payments import auto_top_up, checkouts, disputes
from billing.payments.quotes import fee_rule
from billing.providers.registry import PROVIDERS
from billing.providers.types import CredentialsRejected, ProviderError, RequestRejected
from common import clock
from common.errors import RateLimited
from common.limits import windows
from common.money import PicoUsd, cents_down, format_cents
from common.web import csv_export
from common.web.http import AuthedRequest

from . import history, statement
from .forms import BuyForm, LowBalanceForm, QuoteForm, RedeemForm, initial_amount, input_text

#: How many codes a person may try in an hour.
REDEEM_ATTEMPTS = 10


@login_required
@never_cache
@require_GET
def show_credits(request: AuthedRequest) -> HttpResponse:
    """Show the balance; to admins also the buy form and the history."""
    organisation = access.for_member(request)
    return _credits_page(request, organisation, _empty_form(request.GET.get("amount", "")))


@login_required
@never_cache
@require_GET
def show_quote(request: AuthedRequest) -> HttpResponse:
    """Return the part of the page below the buy form: the price, or the reason why there is none."""
    access.for_admin(request)
    form = QuoteForm(request.GET)
    return render(request, "billing/partials/quote.html", _quote_context(form))


@login_required
@never_cache
@require_POST
def buy_credits(request: AuthedRequest) -> HttpResponse:
    """Redirect to the payment page; 409 with a confirmation page if the total has changed since it was shown."""
    organisation = access.for_admin(request)
    form = BuyForm(request.POST)
    if not form.is_valid():
        return _credits_page(request, organisation, form, status=422)
    if not form.total_is_current:
        return render(request, "billing/confirm_purchase.html", _form_context(form), status=409)
    try:
        purchase = checkouts.start(
            spending.account_of(organisation),
            request.user,
            form.quote,
            method=Purchase.Method(form.cleaned_data["method"]),
            form_token=form.cleaned_data["token"],
            save_card=form.cleaned_data["save_card"],
            site=settings.SITE_URL,
        )
    except checkouts.AccountFrozen:
        return _credits_page(request, organisation, form, status=403)
    except ProviderError as error:
        form.add_error(None, _failure_message(error))
        return _credits_page(request, organisation, form, status=503)
    return redirect(purchase.checkout_url if purchase.state == Purchase.State.OPEN else purchase)


@login_required
@never_cache
@require_GET
def export_transactions(request: AuthedRequest) -> StreamingHttpResponse:
    """Download every change of the account's credits as CSV."""
    account = spending.account_of(access.for_admin(request))
    return csv_export.csv_response(statement.lines(account), f"transactions-{timezone.now():%Y-%m-%d}.csv")


@login_required
@never_cache
@require_POST
def set_low_balance_alert(request: AuthedRequest) -> HttpResponse:
    """Turn on the low-balance alert, or change its threshold."""
    organisation = access.for_admin(request)
    form = LowBalanceForm(request.POST)
    if not form.is_valid():
        return _credits_page(request, organisation, _empty_form(), alert_form=form, status=422)
    threshold = form.cleaned_data["threshold"]
    low_balance.turn_on(spending.account_of(organisation), threshold)
    messages.success(request, f"We'll email admins when the balance drops below {format_cents(threshold)}.")
    return redirect(f"{reverse('billing:credits')}#low-balance")


@login_required
@require_POST
def stop_low_balance_alert(request: AuthedRequest) -> HttpResponse:
    """Turn off the low-balance alert."""
    if low_balance.turn_off(spending.account_of(access.for_admin(request))):
        messages.success(request, "The low-balance alert is off.")
    return redirect(f"{reverse('billing:credits')}#low-balance")


@login_required
@never_cache
@require_POST
def redeem_code(request: AuthedRequest) -> HttpResponse:
    """Add the credits of a promotional code; 422 if it can't be redeemed, 429 after too many attempts."""
    organisation = access.for_admin(request)
    form, status = RedeemForm(request.POST), 422
    if form.is_valid():
        try:
            _count_attempt(request)
            redemption = promotions.redeem(spending.account_of(organisation), request.user, form.cleaned_data["code"])
        except promotions.NotRedeemable as refusal:
            form.add_error("code", str(refusal))
        except RateLimited as refusal:
            form.add_error("code", str(refusal))
            status = 429
        else:
            messages.success(request, f"{format_cents(redemption.code.cents)} in credits added.")
            return redirect(f"{reverse('billing:credits')}#history")
    return _credits_page(request, organisation, _empty_form(), redeem_form=form, status=status)


def _count_attempt(request: AuthedRequest) -> None:
    """RateLimited after too many attempts of the person, or from the address, in this hour: codes can't be guessed."""
    now = clock.utc_now()
    hour = clock.hour_of(now)
    address = request.META.get("REMOTE_ADDR", "")
    for whose, most in ((f"user:{request.user.pk}", REDEEM_ATTEMPTS), (f"address:{address}", 5 * REDEEM_ATTEMPTS)):
        windows.count(
            f"promotions:{whose}:{hour:%Y%m%d%H}",
            most,
            ends=hour + timedelta(hours=1),
            now=now,
            refusal="Too many attempts. Try again in an hour.",
        )


def _empty_form(amount: str = "") -> BuyForm:
    return BuyForm(initial=initial_amount(amount))


def _credits_page(
    request: AuthedRequest,
    organisation: Organisation,
    form: BuyForm,
    *,
    alert_form: LowBalanceForm | None = None,
    redeem_form: RedeemForm | None = None,
    status: int = 200,
) -> HttpResponse:
    account = spending.account_of(organisation)
    context: dict[str, Any] = {
        "account": account,
        "is_admin": access.is_admin(request.user, organisation),
        "is_disputed": account.frozen_reason == disputes.FREEZE_REASON,
    }
    if context["is_admin"]:
        page, lines = history.page_of(account, request.GET.get("page"))
        context |= _form_context(form) | {"page": page, "lines": lines, "expiring": expiry.upcoming(account)}
        context["redeem_form"] = redeem_form or RedeemForm()
        context["alert_form"] = alert_form or _alert_form(account)
        agreement = AutoTopUp.objects.select_related("account", "card").filter(account=account).first()
        context["agreement"] = agreement
        context["eligibility"] = auto_top_up.eligibility(agreement) if agreement and agreement.is_on else None
    return render(request, "billing/credits.html", context, status=status)


def _alert_form(account: CreditAccount) -> LowBalanceForm:
    if account.alert_below is None:
        return LowBalanceForm()
    return LowBalanceForm(initial={"threshold": input_text(cents_down(PicoUsd(account.alert_below)))})


def _form_context(form: BuyForm) -> dict[str, Any]:
    quote_form: QuoteForm = form
    if not form.is_bound:
        quote_form = QuoteForm({**form.initial, "method": Purchase.Method.CARD})
    return _quote_context(quote_form) | {
        "form": form,
        "refund_hours": settings.REFUND_WINDOW_HOURS,
        "credits_expire": settings.CREDITS_EXPIRE,
        # New on each rendering, so that a corrected form starts a new purchase.
        "token": secrets.token_urlsafe(24),
    }


def _quote_context(form: QuoteForm) -> dict[str, Any]:
    form.is_valid()
    return {
        "quote_form": form,
        "quote": getattr(form, "quote", None),
        "method_label": Purchase.Method(form.chosen_method).label,
        "fee_rule": fee_rule(form.provider),
        "is_final": not PROVIDERS[form.provider].supports_refunds,
    }


def _failure_message(error: ProviderError) -> str:
    if isinstance(error, RequestRejected | CredentialsRejected):
        return (
            "The payment provider rejected the purchase. You weren't charged. "
            f"If this happens again, contact {settings.SUPPORT_EMAIL}."
        )
    return "Couldn't reach the payment provider. You weren't charged. Try again in a minute."
