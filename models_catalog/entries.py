"""The catalog's objects in memory: immutable, with prices parsed once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType

from .prices.parsed import Prices, Tier
from .reference.families import FAMILIES, Family

__all__ = [
    "Catalogue",
    "EndpointEntry",
    "KeyEntry",
    "ModelEntry",
    "ProviderEntry",
]


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """A provider of models. `trains` and `retains` are None while the policy is unverified."""

    slug: str
    name: str
    kind: str  # lab, host, cloud, aggregator, own
    headquarters: str  # ISO 3166 code, or empty
    datacenters: tuple[str, ...]
    base_url: str  # empty: no OpenAI-compatible address
    key_variable: str  # name of the environment variable that holds the key
    trains: bool | None
    retains: bool | None
    retention_days: int | None
    policy_as_of: str
    status_page: str
    privacy_policy_url: str
    terms_of_service_url: str
    supports_cancel: bool


@dataclass(frozen=True, slots=True, eq=False)  # hashed by identity, on the hot path
class KeyEntry:
    """A key that an operator has given for a provider. `secret` is encrypted."""

    id: int
    weight: int
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EndpointEntry:
    """One model at one provider. For `trains` and `retains`, an unverified policy counts as yes."""

    id: int
    model_id: str
    provider: str  # slug
    provider_name: str
    tag: str
    provider_model_id: str  # empty: the provider's name for the model is not known
    context_length: int
    max_completion_tokens: int | None
    quantization: str
    prices: Prices
    tiers: tuple[Tier, ...]  # by rising min_prompt_tokens
    supported_parameters: frozenset[str]
    trains: bool
    retains: bool
    supports_cancel: bool  # stops generating, and billing, when the connection is closed
    is_moderated: bool
    base_url: str
    key_variable: str
    publishes: bool = False  # may show prompts to the public
    is_exacto: bool = False  # selected by an operator for `:exacto`
    has_own_policy: bool = False  # `trains` and `retains` are not its provider's
    keys: tuple[KeyEntry, ...] = ()  # the provider's, beside that of the environment
    requires_key: bool = True  # False: the provider's server takes requests without one
    configured: bool = True  # a server is known here that answers it
    unlisted: bool = False  # the provider's own list of models lacks it
    max_choices: int = 1  # the most completions in one response
    service_tier: str = ""  # "priority" or "flex"; empty: the standard one

    @property
    def lacks(self) -> str:
        """The environment variable of the key that it needs, or its name at the provider where that is unknown."""
        if not self.provider_model_id:
            return f"its name at {self.provider_name}"
        if self.unlisted:
            return f"{self.provider_name} to list it again"
        return self.key_variable or f"PROVIDER_{self.provider.upper().replace('-', '_')}_API_KEY"

    @property
    def rank(self) -> tuple[bool, bool, Decimal, str]:
        """The key to sort a model's endpoints by: configured ones first, then standard ones, then cheapest."""
        return not self.configured, bool(self.service_tier), self.prices.per_token, self.tag

    @property
    def keeps_nothing(self) -> bool:
        """Whether prompts are neither retained, nor trained on, nor published."""
        return not (self.retains or self.trains or self.publishes)

    def prices_for(self, prompt_tokens: int) -> Prices:
        """Return the prices of a request with that many prompt tokens."""
        prices = self.prices
        for tier in self.tiers:
            if prompt_tokens > tier.min_prompt_tokens:
                prices = tier.prices
        return prices


@dataclass(frozen=True)
class ModelEntry:
    """A model ID that requests may name, with its endpoints. There is at least one endpoint."""

    id: str
    canonical_slug: str
    author: str  # slug
    author_name: str
    name: str  # "OpenAI: GPT-4o"
    description: str
    created: int  # unix seconds
    context_length: int
    max_completion_tokens: int | None
    input_modalities: tuple[str, ...]
    output_modalities: tuple[str, ...]
    tokenizer: str
    instruct_type: str
    reasoning: bool
    open_weights: bool | None
    hugging_face_id: str
    knowledge_cutoff: str
    supported_parameters: frozenset[str]  # of any endpoint
    endpoints: tuple[EndpointEntry, ...] = field(repr=False)  # configured ones first, then standard ones, then cheapest
    alias_of: "ModelEntry | None" = field(default=None, repr=False)  # the model that an alias stands for
    dimensions: int | None = None  # of its embeddings, unless a request asks for another number
    expires_on: date | None = None  # the day on which its providers stop serving it

    def is_retired(self, today: date) -> bool:
        """Return whether its providers have stopped serving it, as they had announced."""
        return self.expires_on is not None and self.expires_on <= today

    @property
    def variant(self) -> str:
        """ "free", "extended", "thinking", or empty."""
        return self.id.partition(":")[2]

    @property
    def slug(self) -> str:
        """The ID without its author, with its variant."""
        return self.id.partition("/")[2]

    @cached_property
    def task(self) -> str:
        """The kind of request that the model serves: "embeddings", "rerank", else "chat"."""
        return next((task for task in ("embeddings", "rerank") if task in self.output_modalities), "chat")

    @property
    def short_name(self) -> str:
        """The name without its author."""
        return self.name.removeprefix(f"{self.author_name}: ")

    @cached_property
    def is_offered(self) -> bool:
        """Whether a provider that is configured here serves the model. False only in `Catalogue.complete`."""
        return any(endpoint.configured for endpoint in self.endpoints)

    @cached_property
    def lacks(self) -> tuple[str, ...]:
        """Keys and names of which each would make the model available, in order."""
        return tuple(sorted({endpoint.lacks for endpoint in self.endpoints if not endpoint.configured}))

    @property
    def cheapest(self) -> EndpointEntry:
        """The cheapest endpoint, of the standard tier if there is one."""
        return self.endpoints[0]

    @cached_property
    def has_tiers(self) -> bool:
        """Whether an endpoint has a service tier other than the standard one."""
        return any(endpoint.service_tier for endpoint in self.endpoints)

    def standard_endpoint(self, endpoint: EndpointEntry) -> EndpointEntry:
        """The endpoint of the same provider without a service tier; the endpoint itself if there is none."""
        others = (one for one in self.endpoints if one.provider == endpoint.provider and not one.service_tier)
        return next(others, endpoint)

    @property
    def prices(self) -> Prices:
        """The prices of the cheapest endpoint."""
        return self.cheapest.prices

    @property
    def is_free(self) -> bool:
        return self.prices.is_free

    @property
    def has_free_limits(self) -> bool:
        """Whether its requests count toward the limits of free models: those of a free server of one's own do not."""
        return self.variant == "free"

    @cached_property
    def provider_slugs(self) -> frozenset[str]:
        """Its providers that are configured here; all where none is."""
        return frozenset(each.provider for each in self.endpoints if each.configured or not self.is_offered)

    @cached_property
    def zero_retention(self) -> bool:
        """Whether an endpoint has zero data retention."""
        return any(endpoint.keeps_nothing for endpoint in self.endpoints)


@dataclass(frozen=True)
class Catalogue:
    """All models that can be served here, as of `stamp`."""

    stamp: int
    models: Mapping[str, ModelEntry]  # by id, newest first
    providers: Mapping[str, ProviderEntry]  # by slug, by name
    authors: Mapping[str, str]  # slug -> name, by name
    unserved: frozenset[str] = frozenset()  # IDs of known models without an endpoint
    #: The same with the models and endpoints whose provider is not configured here, for operators to see.
    with_unconfigured: "Catalogue | None" = field(default=None, repr=False)

    def extended(self, serves: Callable[[EndpointEntry], bool]) -> "Catalogue":
        """Return the catalog with those endpoints of providers that are not configured here for which `serves` holds.

        The same catalog if there are none.
        """
        extended = {}
        for model_id, model in self.complete.models.items():
            added = [replace(each, configured=True) for each in model.endpoints if not each.configured and serves(each)]
            if added:
                endpoints = [*(each for each in model.endpoints if each.configured), *added]
                extended[model_id] = replace(
                    model,
                    endpoints=tuple(sorted(endpoints, key=lambda each: each.rank)),
                    supported_parameters=frozenset().union(*(each.supported_parameters for each in endpoints)),
                )
        if not extended:
            return self
        known = {**self.models, **extended}
        models = {model_id: known[model_id] for model_id in self.complete.models if model_id in known}  # in its order
        return replace(self, models=MappingProxyType(models), unserved=self.unserved - models.keys())

    @property
    def complete(self) -> "Catalogue":
        """The catalog with the models and endpoints that no configured provider serves."""
        return self.with_unconfigured or self

    def find(self, model_id: str) -> ModelEntry | None:
        """Return the model with that ID, permanent slug or alias, or None."""
        found = self.models.get(model_id) or self._canonical.get(model_id)
        if found is None and (alias := self.aliases.get(model_id)):
            return alias.alias_of
        return found

    def lists(self, name: str) -> bool:
        """Return whether an entry of a list of models, in lower case, names a model here, or an author (`author/*`)."""
        author, _, slug = name.partition("/")
        return name in self.models or name in self.unserved or (slug == "*" and author in self.authors)

    @cached_property
    def aliases(self) -> Mapping[str, ModelEntry]:
        """The aliases of families that have a model here, by ID: copies of their newest model with their own ID."""
        newest = ((family, family.newest(self.models.values())) for family in FAMILIES)
        return MappingProxyType({family.alias: _alias(family, model) for family, model in newest if model})

    @cached_property
    def listed(self) -> tuple[ModelEntry, ...]:
        """The models and aliases, newest first; an alias follows its model."""
        both = sorted([*self.models.values(), *self.aliases.values()], key=lambda model: -model.created)
        return tuple(both)

    def successor_of(self, model_id: str, gone_by: date) -> str:
        """Return the ID of the newest model of its family that does not retire by that day; empty if there is none."""
        staying = [model for model in self.models.values() if not model.expires_on or model.expires_on > gone_by]
        families = (family for family in FAMILIES if family.members.fullmatch(model_id))
        newest = next((found for family in families if (found := family.newest(staying))), None)
        return newest.id if newest else ""

    def find_native(self, name: str) -> ModelEntry | None:
        """Return the model that its author's own API calls by this name, or None."""
        return self._native.get(name)

    @cached_property
    def offering_providers(self) -> Mapping[str, ProviderEntry]:
        """The providers that serve a model of this catalog, by name."""
        slugs = {endpoint.provider for model in self.models.values() for endpoint in model.endpoints}
        return {slug: provider for slug, provider in self.providers.items() if slug in slugs}

    @cached_property
    def _native(self) -> dict[str, ModelEntry]:
        return {
            endpoint.provider_model_id: model
            for model in self.models.values()
            if not model.variant
            for endpoint in model.endpoints
            if endpoint.provider == model.author
        }

    @cached_property
    def _canonical(self) -> dict[str, ModelEntry]:
        return {model.canonical_slug: model for model in self.models.values() if not model.variant}


def _alias(family: Family, model: ModelEntry) -> ModelEntry:
    return replace(
        model,
        id=family.alias,
        canonical_slug=family.alias,
        name=f"{model.author_name}: {family.name} Latest",
        description=f"The newest model of the family {family.name}, at present {model.name}.",
        tokenizer="Router",
        alias_of=model,
    )
