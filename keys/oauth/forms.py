"""The consent of a person: what an app asks for in its link, and what the person makes of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from accounts.models import Organisation
from common.clock import utc_now
from common.display.moments import moment_text
from common.errors import InvalidRequest
from common.money import PicoUsd, as_usd, pico_from_usd
from keys.forms.fields import LARGEST_LIMIT, expiry_choices
from keys.forms.keys import CreateKeyForm
from keys.models import ApiKey

from . import callbacks
from .codes import Consent, check_challenge

__all__ = ["ConsentForm", "Wish", "wish_in"]

LONGEST_NAME = 100


@dataclass(frozen=True)
class Wish:
    """The link of an app, checked. Money in pico-USD. Without `callback_url`, the person copies the code."""

    callback_url: str
    challenge: str
    challenge_method: str
    name: str
    limit: PicoUsd | None
    limit_reset: str
    expires_at: datetime | None

    @property
    def app(self) -> str:
        """The app's address; empty without a callback."""
        return callbacks.app_of(self.callback_url) if self.callback_url else ""

    @property
    def host(self) -> str:
        """The app's host, with a port if it has one of its own."""
        return urlsplit(self.app).netloc


def wish_in(query: QueryDict, organisation: Organisation) -> Wish:
    """Return what the link asks for. Raises InvalidRequest (400), which names the parameter at fault."""
    callback_url = query.get("callback_url", "").strip()
    challenge = query.get("code_challenge", "").strip()
    method = query.get("code_challenge_method", "").strip() or "S256"
    if callback_url:
        callbacks.checked(callback_url)
    elif not challenge:
        raise InvalidRequest("The link has no callback_url. Without one it needs a code_challenge.")
    check_challenge(challenge, method)
    workspace = query.get("workspace_id", "").strip()
    if workspace and workspace != organisation.workspace_id:
        raise InvalidRequest("workspace_id is not a workspace of the account that you are signed in to.")
    return Wish(
        callback_url=callback_url,
        challenge=challenge,
        challenge_method=method,
        name=_name(query.get("key_label", "")),
        limit=_limit(query.get("limit", "")),
        limit_reset=_reset(query.get("usage_limit_type", "")),
        expires_at=_expiry(query.get("expires_at", "")),
    )


def _name(text: str) -> str:
    name = text.strip()
    if len(name) > LONGEST_NAME or (name and not name.isprintable()):
        raise InvalidRequest(f"key_label must be at most {LONGEST_NAME} printable characters.")
    return name


def _limit(text: str) -> PicoUsd | None:
    if not text.strip():
        return None
    try:
        usd = Decimal(text.strip())
        if usd.is_finite() and 0 <= usd <= LARGEST_LIMIT:
            return pico_from_usd(usd)
    except (InvalidOperation, ValueError):
        pass
    raise InvalidRequest(f"limit must be a number of dollars from 0 to {LARGEST_LIMIT:,}.")


def _reset(text: str) -> str:
    if text and text not in ApiKey.Reset.values:
        raise InvalidRequest("usage_limit_type must be daily, weekly or monthly.")
    return text


def _expiry(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        moment = parse_datetime(text.strip())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment <= utc_now():
        raise InvalidRequest("expires_at must be a time in the future with a zone, for example 2030-01-31T00:00:00Z.")
    return moment


class ConsentForm(CreateKeyForm):
    """The key that an app gets: its name, spend limit and expiration, which begin as the app wishes."""

    def __init__(self, wish: Wish, *args: Any, **options: Any) -> None:
        self.wish = wish
        initial = {
            "name": wish.name or wish.host or "An app",
            "limit": "" if wish.limit is None else format(as_usd(wish.limit).normalize(), "f"),
            "limit_reset": wish.limit_reset,
            "expiry": "wish" if wish.expires_at else "",
        }
        super().__init__(*args, initial=initial, **options)
        self.fields["name"].help_text = "How the key is called in your list of API keys."
        self.fields["name"].widget.attrs.pop("autofocus", None)
        if wish.expires_at:
            expiry = self.fields["expiry"]
            assert isinstance(expiry, forms.ChoiceField)
            asked = f"{moment_text(wish.expires_at)}, as the app asks"
            expiry.choices = expiry_choices(("wish", asked), ("", "Never"))

    def consent(self) -> Consent:
        """Return the consent of a valid form."""
        wish, chosen = self.wish, self.cleaned_data
        kept = chosen.get("expiry") == "wish"
        return Consent(
            app=wish.app,
            name=chosen["name"],
            limit=chosen["limit"],
            limit_reset=chosen["limit_reset"],
            expires_at=wish.expires_at if kept else chosen["expires_at"],
            challenge=wish.challenge,
            challenge_method=wish.challenge_method,
        )
