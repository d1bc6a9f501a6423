"""Unsafe settings, all of them at once, with the remedy for each."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.http.request import validate_host

from .env import SettingsError

__all__ = ["SEVERAL_PROCESSES", "refuse_unsafe_settings"]

Settings = Mapping[str, Any]

#: Django's own bounds are 50 and 5; a repeated word has more than 5 different characters.
KEY_LENGTH, KEY_CHARACTERS = 50, 10
ENCRYPTION_KEY_LENGTH = 32

#: The remedy when more than one web process would run without Redis.
SEVERAL_PROCESSES = (
    "limits, live updates and caches would be per process. Set REDIS_URL, or run one web process (no --workers, "
    "WEB_CONCURRENCY=1)."
)


def refuse_unsafe_settings(settings: Settings) -> None:
    """Raise SettingsError that lists every unsafe setting with its remedy. Most are safe in development."""
    found = [*_process_faults(settings), *_social_faults(settings)]
    if settings["DEBUG"]:
        heading = "These settings do not work:"
    else:
        heading = "DEBUG is off and these settings are not safe:"
        for faults in (_core_faults, _host_faults, _card_faults, _usdc_faults, _provider_faults):
            found += faults(settings)
    if found:
        raise SettingsError("\n".join([heading, *(f"  - {fault}" for fault in found)]))


def _process_faults(settings: Settings) -> Iterator[str]:
    # A number of processes given in another way is seen when they start (`single_process.py`).
    if settings["WEB_CONCURRENCY"] > 1 and not settings["REDIS_URL"]:
        yield f"WEB_CONCURRENCY is above 1 without REDIS_URL: {SEVERAL_PROCESSES}"


def _social_faults(settings: Settings) -> Iterator[str]:
    given = settings["SOCIAL_VARIABLES"]
    for site in ("GITHUB", "GOOGLE"):
        pair = (f"{site}_CLIENT_ID", f"{site}_CLIENT_SECRET")
        if bool(given[pair[0]]) != bool(given[pair[1]]):
            yield f"{pair[0]} and {pair[1]} belong together. Set both or neither."
    if given["GITHUB_URL"] and not given["GITHUB_URL"].startswith(("https://", "http://")):
        yield "GITHUB_URL must be the address of a GitHub Enterprise Server: https://github.example.com"


def _core_faults(settings: Settings) -> Iterator[str]:
    key = settings["SECRET_KEY"]
    create = 'Create one with: python3 -c "import secrets; print(secrets.token_urlsafe(50))"'
    if key in {"", settings["INSECURE_SECRET_KEY"]}:
        yield f"SECRET_KEY is missing. {create}"
    elif _can_be_guessed(key):
        yield (
            f"SECRET_KEY can be guessed: it has fewer than {KEY_LENGTH} characters, fewer than {KEY_CHARACTERS} "
            f"different ones, or begins with django-insecure-. {create}"
        )
    if any(map(_can_be_guessed, settings["SECRET_KEY_FALLBACKS"])):
        yield (
            "SECRET_KEY_FALLBACKS has a key that is public or can be guessed, with which sessions could be forged. "
            "List it last in ENCRYPTION_KEY instead: there it only reads what was encrypted with it."
        )
    if any(len(encryption_key) < ENCRYPTION_KEY_LENGTH for encryption_key in settings["ENCRYPTION_KEYS"]):
        yield f"ENCRYPTION_KEY has a key of fewer than {ENCRYPTION_KEY_LENGTH} characters. {create}"
    if settings["DATABASES"]["default"]["ENGINE"] == "django.db.backends.sqlite3":
        yield (
            f"DATABASE_URL {'names SQLite' if settings['DATABASE_URL'] else 'is missing'}. Production needs "
            "PostgreSQL: postgres://user:password@host/name"
        )
    if not settings["EMAIL_HOST"]:
        yield "EMAIL_HOST is missing: links that reset passwords would be in the log. Set it to your mail server."


def _can_be_guessed(key: str) -> bool:
    return len(key) < KEY_LENGTH or len(set(key)) < KEY_CHARACTERS or key.startswith("django-insecure-")


def _host_faults(settings: Settings) -> Iterator[str]:
    hosts = settings["ALLOWED_HOSTS"]
    site = urlsplit(settings["SITE_URL"])
    if site.scheme != "https" or not site.hostname:
        yield "SITE_URL must be the site's public https:// address; links in emails and payments use it."
    if not hosts:
        yield "ALLOWED_HOSTS is missing. Set it to the host names of this site, for example gateway.example.com"
    elif patterns := [host for host in hosts if "*" in host or (host[0] == "." and "." not in host.strip("."))]:
        yield (
            f"ALLOWED_HOSTS contains {', '.join(patterns)}, which is not only hosts of yours. Write "
            "gateway.example.com for one host, or .example.com for all of a domain."
        )
    elif site.scheme == "https" and site.hostname and not validate_host(site.hostname, hosts):
        yield f"ALLOWED_HOSTS lacks {site.hostname}, the host of SITE_URL. Add it, or correct SITE_URL."


def _card_faults(settings: Settings) -> Iterator[str]:
    key, secrets = settings["STRIPE_SECRET_KEY"], settings["STRIPE_WEBHOOK_SECRETS"]
    if settings["STRIPE_IS_SANDBOX"] or key == settings["SANDBOX_STRIPE_KEY"]:
        yield (
            "STRIPE_SECRET_KEY is missing or the sandbox's: purchases would be simulated. Copy the secret key from "
            "Stripe's dashboard."
        )
        return
    if not re.match(r"(sk|rk)_", key):
        yield "STRIPE_SECRET_KEY must be a secret or restricted key: it begins with sk_ or rk_."
    elif settings["STRIPE_KEY_IS_TEST"] and not settings["STRIPE_TEST_MODE"]:
        yield (
            "STRIPE_SECRET_KEY is a test key: test cards would buy real credits. Use the live key, or set "
            "STRIPE_TEST_MODE=true on a site whose credits are worth nothing."
        )
    elif settings["STRIPE_TEST_MODE"] and not settings["STRIPE_KEY_IS_TEST"]:
        yield "STRIPE_TEST_MODE is true, but STRIPE_SECRET_KEY is a live key. Remove STRIPE_TEST_MODE."
    if not secrets:
        yield (
            "STRIPE_WEBHOOK_SECRET is missing: anyone could forge a payment. Copy it from the webhook endpoint's page "
            "in Stripe's dashboard."
        )
    elif settings["SANDBOX_STRIPE_WEBHOOK_SECRET"] in secrets:
        yield (
            "STRIPE_WEBHOOK_SECRET contains the sandbox's, which everyone knows: anyone could forge a payment. Copy "
            "the real one from the webhook endpoint's page in Stripe's dashboard."
        )


def _usdc_faults(settings: Settings) -> Iterator[str]:
    given = [settings[name] for name in ("COINBASE_API_KEY_ID", "COINBASE_API_KEY_SECRET")]
    secrets = settings["COINBASE_WEBHOOK_SECRETS"]
    make = "It was shown when the webhook subscription was made; make a new one if it is lost."
    if any(given) and not all(given):
        yield "COINBASE_API_KEY_ID and COINBASE_API_KEY_SECRET belong together. Set both or neither."
    elif all(given) and not secrets:
        yield f"COINBASE_WEBHOOK_SECRET is missing: anyone could forge a payment. {make}"
    if settings["COINBASE_IS_SANDBOX"]:
        return  # STRIPE_SECRET_KEY is missing: the only fault to mend
    if settings["SANDBOX_COINBASE_KEY_ID"] in given or settings["SANDBOX_COINBASE_KEY_SECRET"] in given:
        yield "COINBASE_API_KEY_ID is the sandbox's, which everyone knows. Use the key of your account, or none."
    if settings["SANDBOX_COINBASE_WEBHOOK_SECRET"] in secrets:
        yield (
            "COINBASE_WEBHOOK_SECRET contains the sandbox's, which everyone knows: anyone could forge a payment. "
            f"Use the real one. {make}"
        )


def _provider_faults(settings: Settings) -> Iterator[str]:
    engine = settings["WEB_SEARCH_ENGINE"]
    if settings["SANDBOX_PROVIDERS_URL"]:
        yield "SANDBOX_PROVIDERS_URL is set: simulated responses must not be sold. Remove it."
    if engine == "sandbox":
        yield "WEB_SEARCH_ENGINE is the sandbox: simulated results must not be sold. Set EXA_API_KEY, or set it to off."
    if engine == "exa" and not settings["EXA_API_KEY"]:
        yield "WEB_SEARCH_ENGINE is exa, but EXA_API_KEY is missing. Set it, or set WEB_SEARCH_ENGINE to off."
