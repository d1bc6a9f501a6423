"""The catalog, the providers that can answer, and their keys."""

from datetime import datetime, timedelta

from django.db.models import Sum
from django.urls import reverse

from common import encryption
from common.clock import utc_now
from gateway.models import EndpointMinute
from gateway.routing.upstreams import upstream_of
from keys.provider_keys import readability
from models_catalog import catalog
from models_catalog.models import ProviderKey

from .check import FAILING, MISSING, OK, SIMULATED, Check, many

__all__ = [
    "check_catalog",
    "check_own_provider_keys",
    "check_provider_health",
    "check_provider_keys",
    "check_providers",
]

#: Health of providers: this window, this many requests at least, this share of them failed.
WINDOW, LEAST_REQUESTS, FAILED_SHARE = timedelta(minutes=30), 5, 0.5


def check_catalog() -> list[Check]:
    """The models, and how many of them can answer."""
    known = catalog.current()
    count = len(known.complete.models)
    if not count:
        remedy = "Run: python manage.py load_catalogue, or add a server of your own."
        return [
            Check("Catalog", MISSING, "There are no models.", remedy, reverse("admin:models_catalog_model_changelist"))
        ]
    url = reverse("admin:models_catalog_model_changelist")
    return [Check("Catalog", OK, f"{many(count, 'model')}, of which {len(known.models):,} can answer here.", url=url)]


def check_providers() -> list[Check]:
    """The providers that have a key, with the number of their models."""
    real: dict[str, int] = {}
    simulated = 0
    for model in catalog.current().models.values():
        upstreams = [(endpoint, upstream_of(endpoint)) for endpoint in model.endpoints]
        found = {endpoint.provider_name for endpoint, upstream in upstreams if upstream and not upstream.simulated}
        for name in found:
            real[name] = real.get(name, 0) + 1
        simulated += not found and any(upstream for _, upstream in upstreams)
    url = reverse("admin:models_catalog_providerkey_changelist")
    remedy = "Enter a provider's key in the admin, or set it in the environment. You can also add a server of your own."
    if not real and simulated:
        return [Check("Providers", SIMULATED, f"A sandbox answers for all {simulated} models.", remedy, url)]
    if not real:
        return [Check("Providers", MISSING, "No provider has a key, so no model can answer.", remedy, url)]
    named = ", ".join(f"{name} ({count})" for name, count in sorted(real.items()))
    detail = f"With the number of their models: {named}."
    if simulated:
        return [Check("Providers", SIMULATED, f"{detail} A sandbox answers for {simulated} more.", remedy, url)]
    return [Check("Providers", OK, detail, url=url)]


def check_provider_health() -> list[Check]:
    """Providers whose requests fail."""
    sums: dict[str, list[int]] = {}
    rows = EndpointMinute.objects.filter(minute__gte=utc_now() - WINDOW).values("tag")
    for row in rows.annotate(served=Sum("ok"), failed=Sum("errors"), refused=Sum("rate_limited")):
        counts = sums.setdefault(row["tag"].partition("/")[0], [0, 0])
        counts[0] += row["served"]
        counts[1] += row["failed"] + row["refused"]
    return [
        Check(
            f"Provider {slug}",
            FAILING,
            f"{failed} of {served + failed} requests failed in the last half hour.",
            "Test its key, look at its status page, or turn it off.",
            reverse("admin:models_catalog_provider_change", args=[slug]),
        )
        for slug, (served, failed) in sorted(sums.items())
        if served + failed >= LEAST_REQUESTS and failed >= FAILED_SHARE * (served + failed)
    ]


def check_provider_keys() -> list[Check]:
    """Keys of providers that don't work."""
    found = []
    now = utc_now()
    for key in ProviderKey.objects.filter(enabled=True).select_related("provider").order_by("pk"):
        problem = _problem_of(key, now)
        if problem:
            url = reverse("admin:models_catalog_providerkey_change", args=[key.pk])
            found.append(Check(f"Key {key}", FAILING, *problem, url))
    return found


def check_own_provider_keys() -> list[Check]:
    """Customers' provider keys that can't be decrypted."""
    lost = sum(1 for _ in readability.unreadable())
    if not lost:
        return []
    remedy = "Add the former key to ENCRYPTION_KEY and run rotate_encryption, or ask their owners to enter them again."
    return [Check("Customers' provider keys", FAILING, f"{lost} can't be decrypted and are not used.", remedy)]


def _problem_of(key: ProviderKey, now: datetime) -> tuple[str, str] | None:
    """(the problem, its remedy) of a provider's key; None if it has none."""
    try:
        encryption.decrypt(key.secret)
    except encryption.Undecryptable:
        return "It can't be decrypted.", "Add the former key to ENCRYPTION_KEY, or enter this key again."
    if key.last_status in {401, 402} and key.last_refused_at and key.last_refused_at > now - timedelta(hours=1):
        if key.last_status == 401:
            return f"{key.provider.name} rejects it.", "Test it, and replace it if it has been revoked."
        return f"Its account at {key.provider.name} has no credits.", "Add credits there, or turn the key off."
    return None
