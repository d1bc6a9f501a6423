"""Pages of broadcast destinations, for the admins of an organization and for the owner of a personal account."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access
from common.errors import ApiError
from common.web.http import AuthedRequest
from keys.models import ApiKey

from .delivery import delivering, feed
from .destinations import saving
from .destinations.forms import DestinationForm
from .kinds import webhook
from .models import Destination


@login_required
@require_GET
def observability(request: AuthedRequest) -> HttpResponse:
    """The list of destinations, and the kinds that can be added. Members who are no admins see neither."""
    organisation = access.for_member(request)
    if not access.is_admin(request.user, organisation):
        return render(request, "broadcast/observability.html", {"is_admin": False})
    destinations = [*Destination.objects.of(organisation)]
    full = {kind for kind in Destination.Kind if sum(each.kind == kind for each in destinations) >= saving.MAX_OF_KIND}
    context = {
        "is_admin": True,
        "destinations": destinations,
        "kinds": [(kind, kind in full) for kind in Destination.Kind],
        "most": saving.MAX_OF_KIND,
        "logs_contents": access.privacy_of(organisation).log_for_discount,
    }
    return render(request, "broadcast/observability.html", context)


@sensitive_post_parameters()
@sensitive_variables()
@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def add_destination(request: AuthedRequest, kind: str) -> HttpResponse:
    """The form of a new destination; posted, it is saved, and a webhook's signing secret is shown once."""
    organisation = access.for_admin(request)
    if kind not in Destination.Kind:
        raise Http404
    form = DestinationForm(organisation, kind, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            created, secret = saving.create(organisation, request.user, kind, form.config(), **form.settings())
        except ApiError as error:
            form.refuse(error.message)
        else:
            if secret:
                return render(request, "broadcast/secret.html", {"destination": created, "secret": secret})
            messages.success(request, f"Added “{created.name}”. Send a test event to check it.")
            return redirect("broadcast:destination", created.public_id)
    return _form(request, form, kind=Destination.Kind(kind))


@login_required
@never_cache
@require_GET
def destination(request: AuthedRequest, destination_id: UUID) -> HttpResponse:
    """The page of a destination: its settings, and its newest deliveries."""
    found = _destination_of(request, destination_id)
    keys = ApiKey.objects.filter(organisation=found.organisation, pk__in=found.key_ids or ())
    config = saving.public_config(found)
    context = {
        "destination": found,
        "address": config.get("endpoint") or config.get("url") or config.get("bucketName", ""),
        "bucket": config.get("bucketName", ""),
        "is_readable": bool(config),
        "old_secret_until": saving.old_secrets_end_at(found),
        "overlap_hours": webhook.OVERLAP_HOURS,
        "kept_hours": feed.KEPT_HOURS,
        "percent": f"{found.sample / 100:g}",
        "keys": keys.order_by("name", "pk"),
        "deliveries": found.deliveries.all()[: delivering.KEPT_DELIVERIES],
        "logs_contents": access.privacy_of(found.organisation).log_for_discount,
    }
    return render(request, "broadcast/destination.html", context)


@sensitive_post_parameters()
@sensitive_variables()
@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def edit_destination(request: AuthedRequest, destination_id: UUID) -> HttpResponse:
    """The form to edit a destination."""
    found = _destination_of(request, destination_id)
    posted = request.POST if request.method == "POST" else None
    form = DestinationForm(found.organisation, found.kind, posted, destination=found)
    if form.is_valid():
        try:
            saved = saving.change(found, form.config(), **form.settings())
        except ApiError as error:
            form.refuse(error.message)
        else:
            messages.success(request, f"Saved “{saved.name}”.")
            return redirect("broadcast:destination", saved.public_id)
    return _form(request, form, kind=Destination.Kind(found.kind), destination=found)


@login_required
@require_POST
def test_destination(request: AuthedRequest, destination_id: UUID) -> HttpResponse:
    """Send one sample event and say how it went."""
    found = _destination_of(request, destination_id)
    if error := delivering.test(found):
        messages.error(request, f"The test event was not accepted. {error}")
    else:
        messages.success(request, "The test event was accepted.")
    return redirect("broadcast:destination", found.public_id)


@login_required
@require_POST
def resume_destination(request: AuthedRequest, destination_id: UUID) -> HttpResponse:
    """Let a paused destination try again."""
    found = saving.resume(_destination_of(request, destination_id))
    messages.success(request, f"Resumed “{found.name}”. Events of the last {feed.KEPT_HOURS} hours are sent now.")
    return redirect("broadcast:destination", found.public_id)


@sensitive_variables()
@login_required
@never_cache
@require_POST
def renew_destination_secret(request: AuthedRequest, destination_id: UUID) -> HttpResponse:
    """Replace the signing secret of a webhook, and show the new one once."""
    try:
        found, secret = saving.renew_secret(_destination_of(request, destination_id))
    except ApiError:
        raise Http404 from None
    context = {"destination": found, "secret": secret, "old_secret_until": saving.old_secrets_end_at(found)}
    return render(request, "broadcast/secret.html", context)


@login_required
@require_POST
def stop_old_secret(request: AuthedRequest, destination_id: UUID) -> HttpResponse:
    """Sign a webhook's deliveries with its newest secret only."""
    try:
        found = saving.stop_old_secrets(_destination_of(request, destination_id))
    except ApiError:
        raise Http404 from None
    messages.success(request, "The old signing secret is no longer used.")
    return redirect("broadcast:destination", found.public_id)


@login_required
@require_http_methods(["GET", "POST"])
def delete_destination(request: AuthedRequest, destination_id: UUID) -> HttpResponse:
    """The confirmation page; posted, the destination is deleted."""
    found = _destination_of(request, destination_id)
    if request.method == "GET":
        return render(request, "broadcast/delete.html", {"destination": found})
    saving.delete(found)
    messages.success(request, f"Deleted “{found.name}”.")
    return redirect("broadcast:observability")


def _destination_of(request: AuthedRequest, destination_id: UUID) -> Destination:
    found = Destination.objects.of(access.for_admin(request)).select_related("organisation")
    return get_object_or_404(found, public_id=destination_id)


def _form(request: AuthedRequest, form: DestinationForm, **context: Any) -> HttpResponse:
    return render(request, "broadcast/form.html", context | {"form": form}, status=422 if form.is_bound else 200)
