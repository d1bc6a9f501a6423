"""Comparing the catalog with the models that providers list themselves: `compare()`.

The catalog knows what a provider served when it was written. Requests for a model that its provider no longer lists
would fail, so it is not offered until the provider lists it again. A provider that cannot be asked changes nothing,
and neither does one that lists none of its models here: then the two use different names.
"""

import logging
from collections import defaultdict

from common.clock import utc_now
from gateway.routing.upstreams import Upstream, upstream_of
from models_catalog import catalog
from models_catalog.entries import EndpointEntry
from models_catalog.loading import served_models
from models_catalog.models import Endpoint

__all__ = ["compare"]

log = logging.getLogger(__name__)


def compare() -> int:
    """Mark the endpoints whose provider does not list their model, unmark the others; how many changed. Blocks."""
    by_provider: dict[str, list[EndpointEntry]] = defaultdict(list)
    for model in catalog.current().complete.models.values():
        if model.task != "chat":
            continue  # some providers list chat models only
        for endpoint in model.endpoints:
            if endpoint.provider_model_id:
                by_provider[endpoint.provider].append(endpoint)
    changed = sum(_compare(provider, endpoints) for provider, endpoints in by_provider.items())
    if changed:
        catalog.touch()
    return changed


def _compare(provider: str, endpoints: list[EndpointEntry]) -> int:
    upstream = upstream_of(endpoints[0])
    missing: set[int] = set()
    if upstream is not None and not upstream.simulated:
        listed = _listed(upstream)
        if not listed:
            return 0
        missing = {each.id for each in endpoints if each.provider_model_id.lower() not in listed}
        if len(missing) == len(endpoints):
            log.warning("%s lists none of its %d models here; all stay offered", provider, len(endpoints))
            return 0
    rows = Endpoint.objects.filter(pk__in=[each.id for each in endpoints])
    found = rows.filter(unlisted_since__isnull=False).exclude(pk__in=missing).update(unlisted_since=None)
    lost = rows.filter(pk__in=missing, unlisted_since=None).update(unlisted_since=utc_now())
    if lost or found:
        log.info("%s no longer lists %d of the models here, and lists %d again", provider, lost, found)
    return lost + found


def _listed(upstream: Upstream) -> frozenset[str]:
    """The names of the provider's models in lower case; none if it has no list that can be read."""
    if upstream.protocol != "openai_chat":
        return frozenset()
    try:
        return frozenset(name.lower() for name in served_models.names(upstream.base_url, upstream.api_key))
    except served_models.UnreadableServer:
        return frozenset()
