"""Unsafe production settings, with the remedy for each."""

import os
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

__all__ = ["refuse_unsafe_settings"]


def refuse_unsafe_settings(settings: Mapping[str, Any]) -> None:
    """Raise ImproperlyConfigured that lists every unsafe setting with its remedy."""
    faults = []
    if settings["SECRET_KEY"] == settings["INSECURE_SECRET_KEY"] or len(settings["SECRET_KEY"]) < 50:
        faults.append(
            "SECRET_KEY is missing or shorter than 50 characters. Create one with: "
            'python -c "import secrets; print(secrets.token_urlsafe(50))"'
        )
    if any(len(key) < 32 for key in settings["ENCRYPTION_KEYS"]):
        faults.append(
            "ENCRYPTION_KEY has a key of fewer than 32 characters. Create one with: "
            'python -c "import secrets; print(secrets.token_urlsafe(50))"'
        )
    if not settings["DATABASE_URL"]:
        faults.append("DATABASE_URL is missing. Production needs PostgreSQL: postgres://user:password@host/name")
    if settings["STRIPE_IS_SANDBOX"]:
        faults.append("STRIPE_SECRET_KEY is missing. Without it, purchases go to the payment sandbox.")
    elif not settings["STRIPE_WEBHOOK_SECRETS"]:
        faults.append(
            "STRIPE_WEBHOOK_SECRET is missing: anyone could forge a payment. Copy it from the webhook "
            "endpoint's page in Stripe's dashboard."
        )
    given = [settings[name] for name in ("COINBASE_API_KEY_ID", "COINBASE_API_KEY_SECRET")]
    if any(given) and not all(given):
        faults.append("COINBASE_API_KEY_ID and COINBASE_API_KEY_SECRET belong together. Set both or neither.")
    elif all(given) and not settings["COINBASE_WEBHOOK_SECRETS"]:
        faults.append(
            "COINBASE_WEBHOOK_SECRET is missing: anyone could forge a payment. It was shown when the webhook "
            "subscription was made; make a new one if it is lost."
        )
    if settings["SANDBOX_PROVIDERS_URL"]:
        faults.append("SANDBOX_PROVIDERS_URL is set: simulated responses must not be sold. Remove it.")
    if settings["WEB_SEARCH_ENGINE"] == "sandbox":
        faults.append(
            "WEB_SEARCH_ENGINE is the sandbox: simulated results must not be sold. Set EXA_API_KEY, or set it to off."
        )
    if settings["WEB_SEARCH_ENGINE"] == "exa" and not settings["EXA_API_KEY"]:
        faults.append("WEB_SEARCH_ENGINE is exa, but EXA_API_KEY is missing. Set it, or set WEB_SEARCH_ENGINE to off.")
    if not settings["SITE_URL"].startswith("https://"):
        faults.append("SITE_URL must be the site's public https:// address; links in emails and payments use it.")
    if int(os.environ.get("WEB_CONCURRENCY", "1")) > 1 and not settings["REDIS_URL"]:
        faults.append("WEB_CONCURRENCY is above 1 without REDIS_URL: limits and live updates would be per process.")
    if faults:
        raise ImproperlyConfigured(
            "DEBUG is off and these settings are not safe:\n" + "\n".join(f"  - {fault}" for fault in faults)
        )
