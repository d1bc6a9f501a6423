"""Models and endpoints in memory, and plans over them, without a database."""

from decimal import Decimal
from random import Random
from types import MappingProxyType

from gateway.callers import Caller, Policy
from gateway.protocols.chat_completions.request import parse
from gateway.routing.health import EndpointHealth, EndpointKey, Health
from gateway.routing.plan import RoutingContext, make_plan
from gateway.routing.upstreams import Upstream
from models_catalog.catalog import Catalogue, EndpointEntry, ModelEntry, Prices
from models_catalog.reference.parameters import service_tier_of

ALL = frozenset({"max_tokens", "temperature", "tools", "response_format", "structured_outputs", "reasoning"})
REAL = Upstream("https://provider.example", "key", simulated=False)
SIMULATED = Upstream("http://sandbox", "sandbox", simulated=True)


def endpoint(slug: str, prompt: str, completion: str | None = None, **fields) -> EndpointEntry:
    defaults = {
        "id": 0,
        "model_id": "acme/one",
        "provider": slug.partition("/")[0],
        "provider_name": slug.partition("/")[0].title(),
        "tag": slug,
        "provider_model_id": "one",
        "context_length": 100_000,
        "max_completion_tokens": 4_000,
        "quantization": "unknown",
        "prices": Prices(Decimal(prompt) / 1_000_000, Decimal(completion or prompt) / 1_000_000),
        "tiers": (),
        "supported_parameters": ALL,
        "trains": False,
        "retains": False,
        "supports_cancel": True,
        "is_moderated": False,
        "base_url": "",
        "key_variable": "",
        "service_tier": service_tier_of(slug),
    }
    return EndpointEntry(**(defaults | fields))


def model(model_id: str, *endpoints: EndpointEntry, **fields) -> ModelEntry:
    defaults = {
        "id": model_id,
        "canonical_slug": model_id,
        "author": model_id.partition("/")[0],
        "author_name": "Acme",
        "name": model_id,
        "description": "",
        "created": 0,
        "context_length": 100_000,
        "max_completion_tokens": 4_000,
        "input_modalities": ("text",),
        "output_modalities": ("text",),
        "tokenizer": "Other",
        "instruct_type": "",
        "reasoning": False,
        "open_weights": None,
        "hugging_face_id": "",
        "knowledge_cutoff": "",
        "supported_parameters": frozenset().union(*(one.supported_parameters for one in endpoints)),
        "endpoints": tuple(sorted(endpoints, key=lambda one: one.prices.per_token)),
    }
    return ModelEntry(**(defaults | fields))


A, B, C = endpoint("a", "1"), endpoint("b", "2"), endpoint("c", "3")


def catalogue(*models: ModelEntry) -> Catalogue:
    known = models or (model("acme/one", A, B, C),)
    by_id = {one.id: one for one in known}
    return Catalogue(1, MappingProxyType(by_id), MappingProxyType({}), MappingProxyType({}))


def plan(
    known=None, *, policy=None, health=None, seed=1, upstream=lambda endpoint: REAL, prompt_tokens=0, draw=None, **body
):
    own_keys = body.pop("own_keys", ())
    request = parse({"model": "acme/one", "messages": [{"role": "user", "content": "Hi"}]} | body)
    caller = Caller(
        account_id=1, key_id=1, user_id=1, source="api", default_model="", policy=policy or Policy(),
        own_keys=tuple(own_keys),
    )  # fmt: skip
    context = RoutingContext(
        default_model="acme/one",
        health=health or Health(),
        random=Random(seed),
        upstream=upstream,
        own_upstream=lambda endpoint, key: Upstream("https://provider.example", key.secret, simulated=False, own=key),
        prompt_tokens=prompt_tokens,
        stable_draw=draw,
    )
    return make_plan(known or catalogue(), request, caller, context)


def tags(made) -> list[str]:
    return [attempt.endpoint.tag for attempt in made.attempts]


def known(model_id: str = "acme/one", **by_tag: EndpointHealth) -> Health:
    return Health({EndpointKey(model_id, tag): health for tag, health in by_tag.items()})
