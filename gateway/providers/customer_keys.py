"""What is known here of the providers for which customers may bring keys."""

from collections.abc import Mapping

from django.views.decorators.debug import sensitive_variables

from gateway.routing.upstreams import is_reachable, upstream_of_customer
from models_catalog import catalog
from models_catalog.models import OWN

from . import checking

__all__ = ["Providers"]


class Providers:
    """The directory for `keys.provider_keys`: every provider of the catalog whose own address is known."""

    def providers(self) -> Mapping[str, str]:
        """Return the names of the providers that take a customer's key, by slug, sorted by name."""
        return {
            each.slug: each.name
            for each in catalog.current().complete.providers.values()
            if each.kind != OWN and is_reachable(each.slug, each.base_url)
        }

    def models_of(self, provider: str) -> Mapping[str, str]:
        """Return the names of a provider's models, by ID, sorted by name."""
        models = catalog.current().complete.models.values()
        named = {one.id: one.name for one in models if any(each.provider == provider for each in one.endpoints)}
        return dict(sorted(named.items(), key=lambda item: item[1].lower()))

    @sensitive_variables()
    def test(self, provider: str, secret: str) -> checking.Finding:
        """Ask the provider whether it takes the key, by the cheapest call that needs one. Blocks."""
        known = catalog.current().complete
        entry = known.providers[provider]
        upstream = upstream_of_customer(entry.slug, entry.base_url, secret)
        if upstream is None:
            return checking.Finding(False, f"The address of {entry.name} is not known here.")
        endpoints = [
            each
            for model in known.models.values()
            if model.task == "chat"
            for each in model.endpoints
            if each.provider == provider and each.provider_model_id
        ]
        cheapest = min(endpoints, key=lambda each: each.prices.per_token, default=None)
        return checking.check(upstream, entry.name, cheapest.provider_model_id if cheapest else "", needs_key=True)
