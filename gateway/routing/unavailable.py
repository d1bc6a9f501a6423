"""Which models an account cannot use as it is set, so that a page can say so before somebody asks."""

from gateway.callers import Caller
from gateway.protocols.chat_completions.request import parse

from . import catalogue_cache
from .constraints import Wishes
from .filters import applicable_rules, reason_to_exclude
from .model_names import Named
from .upstreams import upstream_of

__all__ = ["unavailable_models"]

#: A request that asks nothing of an endpoint: what is left is the account's own policy.
_ANY = parse({"messages": [{"role": "user", "content": ""}]})


async def unavailable_models(caller: Caller) -> list[str]:
    """Ids of the models that no endpoint may or can serve to the caller, whatever is asked."""
    catalogue = await catalogue_cache.catalogue()
    wishes = Wishes.of(_ANY, caller.policy, 0)
    rules = applicable_rules(wishes)
    return [
        model.id
        for model in catalogue.models.values()
        if not any(
            upstream_of(one) and reason_to_exclude(one, Named(model), wishes, rules) is None for one in model.endpoints
        )
    ]
