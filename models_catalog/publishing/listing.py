"""The catalog as JSON: the objects of `/api/v1/models`, `/endpoints` and `/providers`."""

from dataclasses import fields
from typing import Any

from models_catalog.entries import EndpointEntry, ModelEntry, ProviderEntry
from models_catalog.metrics import measurements
from models_catalog.metrics.measurements import Measurement
from models_catalog.prices.parsed import Prices

__all__ = ["endpoint_json", "endpoints_json", "model_json", "provider_json"]


#: The names that `supported_parameters` has in the API's document: strict clients refuse any other.
_PARAMETERS = frozenset(
    {
        "temperature", "top_p", "top_k", "min_p", "top_a", "frequency_penalty", "presence_penalty",
        "repetition_penalty", "max_tokens", "max_completion_tokens", "logit_bias", "logprobs", "top_logprobs",
        "prediction", "seed", "response_format", "structured_outputs", "stop", "tools", "tool_choice",
        "parallel_tool_calls", "include_reasoning", "reasoning", "reasoning_effort", "web_search_options", "verbosity",
    }
)  # fmt: skip

#: Tiers with endpoints of their own, named at the end of their tags.
_SERVICE_TIERS = frozenset({"flex", "priority"})


def model_json(model: ModelEntry) -> dict[str, Any]:
    """Return one model. Every key but `alias_target` is always present; `object` and `owned_by` are for OpenAI's
    clients."""
    return {
        "id": model.id,
        "canonical_slug": model.canonical_slug,
        "hugging_face_id": model.hugging_face_id or None,
        "name": model.name,
        "created": model.created,
        "description": model.description,
        "context_length": model.context_length,
        "architecture": _architecture(model),
        "pricing": _pricing(model.cheapest),
        "top_provider": {
            "context_length": model.cheapest.context_length,
            "max_completion_tokens": model.cheapest.max_completion_tokens,
            "is_moderated": model.cheapest.is_moderated,
        },
        "per_request_limits": None,
        "supported_parameters": sorted(model.supported_parameters & _PARAMETERS),
        "supported_voices": None,
        "default_parameters": None,
        "knowledge_cutoff": model.knowledge_cutoff or None,
        "expiration_date": model.expires_on.isoformat() if model.expires_on else None,
        "links": {"details": f"/api/v1/models/{model.id}/endpoints"},
        "object": "model",
        "owned_by": model.author,
        **_alias_target(model.alias_of),
    }


def _alias_target(target: ModelEntry | None) -> dict[str, Any]:
    return {"alias_target": {"slug": target.id, "name": target.name}} if target else {}


def endpoints_json(model: ModelEntry) -> dict[str, Any]:
    """Return one model with all its endpoints, cheapest first, and their measurements."""
    measured = measurements.of(model.id)
    return {
        "id": model.id,
        "name": model.name,
        "created": model.created,
        "description": model.description,
        "architecture": _architecture(model),
        "endpoints": [endpoint_json(model, endpoint, measured.get(endpoint.tag)) for endpoint in model.endpoints],
    }


def endpoint_json(model: ModelEntry, endpoint: EndpointEntry, measured: Measurement | None = None) -> dict[str, Any]:
    """Return one endpoint. Unmeasured figures are null."""
    measured = measured or Measurement()
    return {
        "name": f"{endpoint.provider_name}: {model.short_name}",
        "model_id": model.id,
        "model_name": model.name,
        "provider_name": endpoint.provider_name,
        "tag": endpoint.tag,
        "context_length": endpoint.context_length,
        "max_completion_tokens": endpoint.max_completion_tokens,
        "max_prompt_tokens": None,
        "pricing": _pricing(endpoint),
        "quantization": endpoint.quantization if endpoint.quantization != "unknown" else None,
        "status": 0,
        "supported_parameters": sorted(endpoint.supported_parameters & _PARAMETERS),
        "supports_tool_choice": _tool_choice(endpoint),
        "native_tools": {},
        "service_tier": tier if (tier := endpoint.tag.rpartition("/")[2]) in _SERVICE_TIERS else None,
        "supports_diarization": False,
        # A price for reading the cache and none for writing it: the provider caches implicitly.
        "supports_implicit_caching": endpoint.prices.input_cache_read is not None
        and endpoint.prices.input_cache_write is None,
        "uptime_last_5m": measured.uptime_5m,
        "uptime_last_30m": measured.uptime_30m,
        "uptime_last_1d": measured.uptime_1d,
        "latency_last_30m": measured.latency_ms,
        "throughput_last_30m": measured.throughput,
    }


def _tool_choice(endpoint: EndpointEntry) -> dict[str, bool]:
    """Return the values of `tool_choice` that the endpoint takes. Without the parameter, the model decides itself."""
    chooses = "tool_choice" in endpoint.supported_parameters
    return {
        "auto": "tools" in endpoint.supported_parameters,
        "none": chooses,
        "required": chooses,
        "function": chooses,
    }


def provider_json(provider: ProviderEntry) -> dict[str, Any]:
    """Return one provider."""
    return {
        "name": provider.name,
        "slug": provider.slug,
        "privacy_policy_url": provider.privacy_policy_url or None,
        "terms_of_service_url": provider.terms_of_service_url or None,
        "status_page_url": provider.status_page or None,
        "headquarters": provider.headquarters or None,
        "datacenters": list(provider.datacenters) or None,
    }


def _architecture(model: ModelEntry) -> dict[str, Any]:
    return {
        "modality": f"{'+'.join(model.input_modalities)}->{'+'.join(model.output_modalities)}",
        "input_modalities": model.input_modalities,
        "output_modalities": model.output_modalities,
        "tokenizer": model.tokenizer,
        "instruct_type": model.instruct_type or None,
    }


def _pricing(endpoint: EndpointEntry) -> dict[str, Any]:
    """Return the eight prices as strings, and `overrides` for prompts longer than a given number of tokens."""
    pricing: dict[str, Any] = dict(endpoint.prices.strings)
    below = endpoint.prices
    overrides = []
    for tier in endpoint.tiers:
        overrides.append({"min_prompt_tokens": tier.min_prompt_tokens} | _changes(below, tier.prices))
        below = tier.prices
    return pricing | {"overrides": overrides} if overrides else pricing


def _changes(below: Prices, prices: Prices) -> dict[str, str]:
    strings = prices.strings
    return {
        price.name: strings[price.name]
        for price in fields(Prices)
        if getattr(prices, price.name) != getattr(below, price.name)
    }
