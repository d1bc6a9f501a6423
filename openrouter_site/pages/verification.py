"""Resending the email that verifies an address."""

from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from common.web.http import AuthedRequest

from .site import back


@require_POST
@login_required
def resend_verification(request: AuthedRequest) -> HttpResponse:
    """Send another verification email to the user, at most one in three minutes, and return to the page."""
    address = get_object_or_404(EmailAddress, user=request.user, email=request.POST.get("email", "").lower())
    if address.verified:
        messages.success(request, f"{address.email} is verified already.")
    elif ratelimit.consume(request, action="confirm_email", key=address.email):
        address.send_confirmation(request)
        messages.success(request, f"Email sent to {address.email}. Open the link in it to verify the address.")
    else:
        messages.warning(
            request, f"An email to {address.email} is on its way. Wait three minutes before you request another."
        )
    return HttpResponseRedirect(back(request))
