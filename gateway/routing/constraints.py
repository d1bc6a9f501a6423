"""Routing constraints: the preferences of a request and the policy of its account, read once per request. Pure."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from common.errors import InvalidRequest
from gateway.callers import Policy
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.embeddings.request import EmbeddingsRequest
from gateway.tokens import compression
from models_catalog.catalog import EndpointEntry, ModelEntry
from models_catalog.reference.parameters import REQUIRABLE

from .health import EndpointHealth

__all__ = ["MODALITIES", "RoutingConstraints"]

#: Parameters that narrow the choice if any endpoint supports them, and are dropped if none does.
_PREFERRED = ("tools", "structured_outputs", "verbosity", "logprobs")

#: Variants of a model's name that make the endpoints of a service tier eligible.
_TIER_VARIANTS = {"priority": "nitro", "flex": "floor"}

#: The modality of each type of content part; those of text have none.
MODALITIES = {"image_url": "image", "file": "file", "input_audio": "audio", "video_url": "video"}

#: Formats that a request accepts together with the one it names.
_QUANTIZATIONS = {
    "fp4": {"fp4", "mxfp4", "nvfp4"},
    "fp8": {"fp8", "mxfp8"},
}


class RoutingConstraints(msgspec.Struct, frozen=True, kw_only=True):
    """The demands of one request on every endpoint. An empty or false value demands nothing."""

    only: frozenset[str]  # provider names and endpoint tags, in lower case
    ignore: frozenset[str]
    policy: Policy
    no_retention: bool
    no_collection: bool
    distillable: bool
    quantizations: frozenset[str]
    max_price: dict[str, Decimal]  # USD per million tokens; per request and per image
    required_parameters: frozenset[str]
    preferred_parameters: tuple[str, ...]
    modalities: frozenset[str]
    output_modalities: frozenset[str]
    several_choices: int  # of one response; 0: one
    service_tier: str  # "priority" or "flex"; empty: the standard one
    has_order: bool  # of providers
    named: list[str]  # endpoint tags and provider names that `order` and `only` list
    prompt_tokens: int  # an estimate, of the longest part of a prompt that has parts
    dimensions: int | None  # of the vectors
    compress: bool | None  # None: if the endpoint's context is short
    max_tokens: int | None
    min_throughput: dict[str, float]  # tokens per second, by percentile
    max_latency_ms: dict[str, float]

    @classmethod
    def of(cls, request: ChatRequest, policy: Policy, prompt_tokens: int) -> "RoutingConstraints":
        """The constraints of a request; InvalidRequest for a preference that makes no sense."""
        wanted = request.provider
        sent = {name for name in REQUIRABLE.intersection(request.body) if request.body[name] is not None}
        return cls(
            only=_lower(wanted.only),
            ignore=_lower(wanted.ignore) | policy.ignored_providers,
            policy=policy,
            no_retention=bool(wanted.zdr) or policy.zero_data_retention,
            no_collection=wanted.data_collection == "deny",
            distillable=bool(wanted.enforce_distillable_text),
            quantizations=frozenset().union(
                *(_QUANTIZATIONS.get(name, {name}) for name in _lower(wanted.quantizations))
            ),
            max_price=_prices(wanted.max_price),
            required_parameters=frozenset(sent) if wanted.require_parameters else frozenset(),
            preferred_parameters=_preferred(sent, request.body.get("response_format") or {}),
            modalities=frozenset() if request.has_texts_only else _modalities(request.messages),
            output_modalities=request.output_modalities,
            several_choices=request.choices if request.choices > 1 else 0,
            service_tier=request.service_tier,
            has_order=bool(wanted.order),
            named=[*(wanted.order or ()), *(wanted.only or ())],
            prompt_tokens=prompt_tokens,
            dimensions=request.dimensions if isinstance(request, EmbeddingsRequest) else None,
            compress=compression.preference(request.body) if request.task == "chat" else False,
            max_tokens=None if request.max_tokens_is_cap else request.max_tokens,
            min_throughput=_cutoffs(wanted.preferred_min_throughput, 1, "preferred_min_throughput"),
            max_latency_ms=_cutoffs(wanted.preferred_max_latency, 1000, "preferred_max_latency"),
        )

    def of_eligible_tiers(self, model: ModelEntry, variants: frozenset[str]) -> Sequence[EndpointEntry]:
        """The model's standard endpoints, and those of service tiers that the request asks for: with `service_tier`,
        with a variant of the model's name unless it has an order of its own, or with the endpoint's tag.
        """
        if not model.has_tiers:
            return model.endpoints
        return [one for one in model.endpoints if not one.service_tier or self._asks_for(one, variants)]

    def _asks_for(self, endpoint: EndpointEntry, variants: frozenset[str]) -> bool:
        if endpoint.service_tier == self.service_tier or endpoint.tag.lower() in _lower(self.named):
            return True
        return not self.has_order and _TIER_VARIANTS[endpoint.service_tier] in variants

    @property
    def needs(self) -> frozenset[str]:
        """Parameters and modalities that a model chosen by a router must have."""
        return frozenset(self.preferred_parameters) | self.modalities

    @property
    def prefers_performance(self) -> bool:
        """Whether the request says how fast an endpoint should be."""
        return bool(self.min_throughput or self.max_latency_ms)

    def is_fast_enough(self, known: EndpointHealth) -> bool:
        """Whether the endpoint has the preferred throughput and latency. One without figures is assumed to."""
        throughput, latency = known.throughput, known.latency
        return all(
            throughput is None or throughput.get(name, 0) >= least for name, least in self.min_throughput.items()
        ) and all(latency is None or latency.get(name, 0) <= most for name, most in self.max_latency_ms.items())


def _preferred(sent: set[str], response_format: dict[str, Any]) -> tuple[str, ...]:
    preferred = [name for name in _PREFERRED if name in sent]
    # A response format of plain text demands nothing.
    if response_format.get("type") == "json_schema":
        preferred.append("structured_outputs")
    elif response_format.get("type") == "json_object":
        preferred.append("response_format")
    return tuple(dict.fromkeys(preferred))


def _prices(given: dict[str, Any] | None) -> dict[str, Decimal]:
    """The `max_price` object: prompt, completion and audio in USD per million tokens, request and image in USD each."""
    limits = {}
    for name, value in (given or {}).items():
        if name not in {"prompt", "completion", "request", "image", "audio"}:
            continue
        try:
            limit = Decimal(str(value))
        except InvalidOperation:
            limit = Decimal("NaN")
        if not limit.is_finite() or limit < 0:
            raise InvalidRequest(f"`provider.max_price.{name}` must be a number of US dollars, zero or more.")
        limits[name] = limit
    return limits


def _cutoffs(given: float | dict[str, float] | None, factor: float, name: str) -> dict[str, float]:
    """The limits by percentile, times `factor`: a number means the median, an object names percentiles."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        return {"p50": given * factor}
    if unknown := set(given) - {"p50", "p75", "p90", "p99"}:
        raise InvalidRequest(f"`provider.{name}` accepts p50, p75, p90 and p99, not {', '.join(sorted(unknown))}.")
    return {percentile: value * factor for percentile, value in given.items()}


def _modalities(messages: list[dict[str, Any]]) -> frozenset[str]:
    found = set()
    for message in messages:
        content = message.get("content")
        if isinstance(content, list):
            found |= {MODALITIES[kind] for part in content if (kind := part.get("type")) in MODALITIES}
    return frozenset(found)


def _lower(slugs: list[str] | None) -> frozenset[str]:
    return frozenset(slug.strip().lower() for slug in slugs or ())
