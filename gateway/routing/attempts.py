"""Attempts to serve a request, and the context that their order depends on."""

from collections.abc import Callable, Sequence
from random import Random

import msgspec

from keys.provider_keys.using import OwnKey
from models_catalog.catalog import EndpointEntry, ModelEntry

from .affinity import Draw
from .health import EndpointKey, Health
from .provider_keys import Key
from .upstreams import Upstream, own_upstream, upstream_of

__all__ = ["Attempt", "RoutingContext"]

_random = Random()  # shared: seeding one takes longer than drawing from it


class Attempt(msgspec.Struct, frozen=True):
    """One endpoint to try, and the reason for its position."""

    model: ModelEntry
    endpoint: EndpointEntry
    upstream: Upstream
    reason: str

    @property
    def key(self) -> EndpointKey:
        return EndpointKey(self.model.id, self.endpoint.tag)

    @property
    def own(self) -> OwnKey | None:
        """The customer's own key that it uses, if it does."""
        return self.upstream.own

    def with_key(self, key: Key) -> "Attempt":
        """The same attempt, through this key of the provider."""
        upstream = self.upstream.with_key(key)
        return self if upstream is self.upstream else Attempt(self.model, self.endpoint, upstream, self.reason)


class RoutingContext(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a plan depends on, except the catalog, the request and its caller."""

    default_model: str
    auto_models: Sequence[str] = ()  # IDs that `openrouter/auto` tries, in order
    health: Health = Health()
    prompt_tokens: int = 0  # an estimate, for context limits: of the longest part of a prompt that has parts
    longest_part: int = 0  # its index
    #: The tag of the endpoint of a model (by ID) that has the conversation cached, or an empty string.
    sticky_endpoint: Callable[[str], str] = lambda model_id: ""
    stable_draw: Draw | None = None  # the conversation's own; None: it has none
    random: Random = _random
    upstream: Callable[[EndpointEntry], Upstream | None] = upstream_of
    own_upstream: Callable[[EndpointEntry, OwnKey], Upstream | None] = own_upstream

    def random_draw(self, _: str) -> float:
        return 1 - self.random.random()
