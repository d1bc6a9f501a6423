"""Pages of own provider keys. Members of an organization see them, admins edit them."""

import uuid
from dataclasses import dataclass, field

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access
from common import encryption
from common.errors import InvalidRequest
from common.web.http import AuthedRequest
from keys.models import OwnProviderKey

from . import changing, directory
from .acceptance import require_accepted
from .forms import ProviderKeyForm

LIST = "keys:provider-keys"


@dataclass(slots=True)
class ProviderRow:
    """The keys of one provider, in the order in which requests try them, around its shared capacity."""

    slug: str
    name: str
    first: list[OwnProviderKey] = field(default_factory=list)
    fallback: list[OwnProviderKey] = field(default_factory=list)

    @property
    def is_shared(self) -> bool:
        """Whether shared capacity is used: no enabled key without restrictions forbids it."""
        return not any(key.always_use and not key.disabled and not key.is_restricted for key in self.first)

    @property
    def is_sometimes_shared(self) -> bool:
        """Whether an enabled key forbids shared capacity to some requests."""
        return any(key.always_use and not key.disabled for key in self.first)


@login_required
@require_GET
def provider_keys(request: AuthedRequest) -> HttpResponse:
    """The provider keys, by provider, and the free share of this month."""
    organisation = access.for_member(request)
    names, share = directory.current().providers(), directory.current().share(organisation)
    rows: dict[str, ProviderRow] = {}
    for key in OwnProviderKey.objects.of(organisation):
        row = rows.setdefault(key.provider, ProviderRow(key.provider, names.get(key.provider, key.provider)))
        (row.fallback if key.is_fallback else row.first).append(key)
    context = {
        "rows": sorted(rows.values(), key=lambda row: row.name.lower()),
        "share": share,
        "used": f"{share.used:,} of {share.limit:,}" if share.counts_requests else "",
        "limit": f"{share.limit:,}" if share.counts_requests else "",
        "requests": f"{share.requests:,}",
        "manages": access.is_admin(request.user, organisation),
    }
    return render(request, "keys/provider_keys/provider_keys.html", context)


@sensitive_post_parameters("secret")
@sensitive_variables()
@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def add_key(request: AuthedRequest) -> HttpResponse:
    """The form of a new key; posted, it is tested and saved."""
    organisation = access.for_admin(request)
    form = ProviderKeyForm(organisation, None, request.POST or None, provider=request.GET.get("provider", ""))
    if form.is_valid():
        provider, secret = form.cleaned_data["provider"], form.cleaned_data["secret"]
        if (tested := _tested(form, provider, secret)) is not None:
            try:
                changing.add(organisation, request.user, provider, secret, **form.chosen())
            except InvalidRequest as problem:
                form.add_error(None, problem.message)
            else:
                return _saved(request, tested)
    return _form(request, form)


@sensitive_post_parameters("secret")
@sensitive_variables()
@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def key(request: AuthedRequest, public_id: uuid.UUID) -> HttpResponse:
    """The form of an existing key; posted, a new secret is tested, and the settings are saved."""
    key = _key_of(request, public_id)
    form = ProviderKeyForm(key.organisation, key, request.POST or None)
    if form.is_valid():
        secret = form.cleaned_data["secret"]
        tested = _tested(form, key.provider, secret) if secret else None
        if form.is_valid():
            try:
                changing.change(key, secret or None, **form.chosen())
            except InvalidRequest as problem:
                form.add_error(None, problem.message)
            else:
                return _saved(request, tested)
    return _form(request, form, key)


@sensitive_variables()
@login_required
@require_POST
def test_key(request: AuthedRequest, public_id: uuid.UUID) -> HttpResponse:
    """Ask the provider whether it still takes the key."""
    key = _key_of(request, public_id)
    try:
        tested = directory.current().test(key.provider, encryption.decrypt(key.secret))
    except encryption.Undecryptable:
        messages.error(request, "This site can no longer decrypt the key. Edit it and enter it again.")
    except KeyError:
        messages.error(request, "This provider is not available here anymore.")
    else:
        (messages.success if tested.works else messages.error)(request, tested.text)
    return redirect(LIST)


@login_required
@require_POST
def switch_key(request: AuthedRequest, public_id: uuid.UUID) -> HttpResponse:
    """Disable or enable a key, as the posted `disabled` says."""
    key = _key_of(request, public_id)
    disabled = request.POST.get("disabled") == "on"
    changing.change(key, disabled=disabled)
    messages.success(request, f"Key {key.label} is {'disabled' if disabled else 'enabled'}.")
    return redirect(LIST)


@login_required
@require_POST
def move_key(request: AuthedRequest, public_id: uuid.UUID) -> HttpResponse:
    """Move a key up or down among the provider's keys."""
    changing.move(_key_of(request, public_id), 1 if request.POST.get("to") == "down" else -1)
    return redirect(LIST)


@login_required
@require_http_methods(["GET", "POST"])
def delete_key(request: AuthedRequest, public_id: uuid.UUID) -> HttpResponse:
    """The confirmation page; posted, the key is deleted."""
    key = _key_of(request, public_id)
    if request.method == "GET":
        context = {"key": key, "provider": directory.current().providers().get(key.provider, key.provider)}
        return render(request, "keys/provider_keys/delete_key.html", context)
    changing.delete(key)
    messages.success(request, f"Key {key.label} was deleted.")
    return redirect(LIST)


def _key_of(request: AuthedRequest, public_id: uuid.UUID) -> OwnProviderKey:
    """Return the organization's key, for admins; 404 for others' keys."""
    organisation = access.for_member(request)
    key = get_object_or_404(OwnProviderKey.objects.of(organisation), public_id=public_id)
    access.for_admin(request)
    return key


@sensitive_variables("secret")
def _tested(form: ProviderKeyForm, provider: str, secret: str) -> directory.Tested | None:
    """Return what the provider says of the key; None, with an error in the form, if it may not be saved."""
    try:
        return require_accepted(provider, secret)
    except InvalidRequest as problem:
        form.add_error("secret", problem.message)
        return None


def _form(request: AuthedRequest, form: ProviderKeyForm, key: OwnProviderKey | None = None) -> HttpResponse:
    provider = directory.current().providers().get(key.provider, key.provider) if key else ""
    context = {"form": form, "key": key, "provider": provider}
    return render(request, "keys/provider_keys/key.html", context, status=422 if form.is_bound else 200)


def _saved(request: AuthedRequest, tested: directory.Tested | None) -> HttpResponse:
    if tested is None:
        messages.success(request, "Saved.")
    elif tested.works:
        messages.success(request, f"Saved. {tested.text}")
    else:
        messages.warning(request, f"Saved, but the test failed. {tested.text}")
    return redirect(LIST)
