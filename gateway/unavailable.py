"""Which models an account cannot use as it is set, so that a page can say so before somebody asks."""

from . import snapshot
from .callers import Caller
from .exclusions import Wishes, excluded_because
from .request import parse
from .upstreams import upstream_of
from .variants import Named

__all__ = ["unavailable_models"]

#: A request that asks nothing of an endpoint: what is left is the account's own policy.
_ANY = parse({"messages": [{"role": "user", "content": ""}]})


async def unavailable_models(caller: Caller) -> list[str]:
    """Ids of the models that no endpoint may or can serve to the caller, whatever is asked."""
    catalogue = await snapshot.catalogue()
    wishes = Wishes.of(_ANY, caller.policy, 0)
    return [
        model.id
        for model in catalogue.models.values()
        if not any(upstream_of(one) and not excluded_because(Named(model), one, wishes) for one in model.endpoints)
    ]
