"""Manage Account: what belongs to the person, in a dialog of the preferences and as a page of its own."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from common.web.http import AuthedRequest

from . import protection


@login_required
@require_GET
def account(request: AuthedRequest) -> HttpResponse:
    """The person's profile and what protects their account; for htmx without the page around it."""
    template = "accounts/manage_dialog.html" if request.htmx else "accounts/manage_page.html"
    addresses = request.user.emailaddress_set.order_by("-primary", "email")
    return render(request, template, {"addresses": addresses, "protection": protection.of(request)})
