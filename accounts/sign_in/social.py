"""Signing in with an account of another site, by django-allauth: what differs here.

- An address never opens an account that has it, verified or not: its owner is told to sign in and to connect.
- A newcomer confirms that an account is created, with the terms in view. Of the other site's addresses only the
  primary one is taken.
- Of what the other site tells, only a name is kept: no tokens, no profile.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount import app_settings, forms
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers import registry
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from allauth.socialaccount.providers.google.provider import GoogleProvider
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter, OAuth2CallbackView, OAuth2LoginView
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import User
from common.naming.names import clean_name

__all__ = [
    "NAMES",
    "Google",
    "SignupForm",
    "SocialAccountAdapter",
    "github_callback",
    "github_login",
    "google_callback",
    "google_login",
    "label_of",
    "offered",
]

#: Sites whose accounts can sign in, by their ID, in the order of their buttons.
NAMES = {"github": "GitHub", "google": "Google"}


class GoogleAdapter(GoogleOAuth2Adapter):
    """Asks Google for the user, in place of reading the ID token, which says the same and needs one more package."""

    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any) -> Any:
        return super().complete_login(request, app, token, **kwargs | {"response": {}})


class Google(GoogleProvider):
    """Google, without its ID token."""

    oauth2_adapter_class = GoogleAdapter


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Adapts django-allauth as the module's text says."""

    error_messages = DefaultSocialAccountAdapter.error_messages | {
        "email_taken": "This email already has an account. Sign in to it, then connect %s under Settings, Security.",
        "no_password": "Choose a password first, so that you can still sign in.",
        "no_verified_email": "Verify an email address first, so that you can still reset your password.",
    }

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Any:
        try:
            return super().get_provider(request, provider, client_id)
        except SocialApp.DoesNotExist:  # an account of a site that is no longer offered: it can be disconnected
            known: Any = registry.provider_map.get(provider)
            if known is None:
                raise
            return known(request, app=SocialApp(provider=provider))

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> Any:
        """Take the name. The other site's own words for the account are kept to show which one it is."""
        full = data.get("name") or f"{data.get('first_name') or ''} {data.get('last_name') or ''}"
        user = super().populate_user(request, sociallogin, data)
        user.name = _clean(full)
        sociallogin.account.extra_data = {"label": _clean(data.get("username") or data.get("email"))}
        return user

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Keep only the primary address. Answer a newcomer whose verified address has an account with the way in."""
        sociallogin.email_addresses = _primary(sociallogin.email_addresses)
        if sociallogin.is_existing or sociallogin.state.get("process") == AuthProcess.CONNECT:
            return
        taken = [each.email for each in sociallogin.email_addresses if each.verified and _has_account(each.email)]
        if taken:
            context = {"email": taken[0], "site": NAMES.get(sociallogin.account.provider, "")}
            raise ImmediateHttpResponse(render(request, "socialaccount/address_taken.html", context, status=409))

    def get_signup_form_initial_data(self, sociallogin: SocialLogin) -> dict[str, Any]:
        return {"email": next((each.email for each in sociallogin.email_addresses), "")}

    @transaction.atomic
    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> Any:
        return super().save_user(request, sociallogin, form)


class SignupForm(forms.SignupForm):
    """A newcomer's address; fixed if the other site has verified it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.site = NAMES.get(self.sociallogin.account.provider, "")
        self.is_verified = any(each.verified for each in self.sociallogin.email_addresses)
        self.fields["email"].disabled = self.is_verified

    def save(self, request: HttpRequest) -> Any:
        if not self.is_verified:
            self.sociallogin.email_addresses = []  # only the one in the form is theirs to verify
        return super().save(request)


def offered() -> dict[str, str]:
    """Return the sites that this installation has a client ID for: ID -> name."""
    return {site: name for site, name in NAMES.items() if app_settings.PROVIDERS.get(site, {}).get("APPS")}


def label_of(account: SocialAccount) -> str:
    """Return what the other site calls the account: a user name or an address; empty if it told neither."""
    return str(account.extra_data.get("label", ""))


def _clean(text: object) -> str:
    return clean_name(str(text or ""))[: User.name.field.max_length]


def _primary(addresses: list[EmailAddress]) -> list[EmailAddress]:
    ranked = sorted(addresses, key=lambda each: (not each.primary, not each.verified))
    for each in ranked[:1]:
        each.primary = True
    return ranked[:1]


def _has_account(email: str) -> bool:
    return bool(filter_users_by_email(email))


def _view(site: str, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if site not in offered():
            raise Http404
        return view(request)

    return guarded


def _views(site: str, adapter: type[OAuth2Adapter]) -> tuple[Callable[..., HttpResponse], Callable[..., HttpResponse]]:
    return (
        _view(site, OAuth2LoginView.adapter_view(adapter)),  # type: ignore[no-untyped-call]
        _view(site, OAuth2CallbackView.adapter_view(adapter)),  # type: ignore[no-untyped-call]
    )


github_login, github_callback = _views("github", GitHubOAuth2Adapter)
google_login, google_callback = _views("google", GoogleAdapter)
