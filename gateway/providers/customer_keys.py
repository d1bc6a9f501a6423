"""The providers for which customers may bring keys, from the catalog."""

from collections.abc import Mapping

from django.views.decorators.debug import sensitive_variables

from accounts.models import Organisation
from billing import spending
from common.clock import utc_now
from gateway.accounting.own_keys import MonthOfOwnKeys, month_of_own_keys
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
            if each.kind != OWN and is_reachable(each.slug, each.base_url) and "{" not in each.base_url
        }

    def share(self, organisation: Organisation) -> MonthOfOwnKeys:
        """Return the use of own provider keys in this month."""
        return month_of_own_keys(spending.account_of(organisation).pk, utc_now())

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
