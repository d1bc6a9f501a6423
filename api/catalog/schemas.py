"""JSON shapes of the public catalog, for its OpenAPI document. `models_catalog/publishing/listing.py` writes them."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema

__all__ = [
    "AnthropicModel",
    "AnthropicModels",
    "Endpoints",
    "Model",
    "ModelCount",
    "ModelEndpoints",
    "Models",
    "OneModel",
    "Providers",
]


class Architecture(Schema):
    modality: str
    input_modalities: list[str]
    output_modalities: list[str]
    tokenizer: str
    instruct_type: str | None


class Pricing(Schema):
    """USD per token, request, image or search, as exact decimal strings. `overrides` are for longer prompts."""

    prompt: str
    completion: str
    request: str
    image: str
    web_search: str
    internal_reasoning: str
    input_cache_read: str
    input_cache_write: str
    input_cache_write_1h: str | None = None
    audio: str | None = None
    image_output: str | None = None
    overrides: list[dict[str, Any]] | None = None


class TopProvider(Schema):
    """The limits of the cheapest endpoint."""

    context_length: int
    max_completion_tokens: int | None
    is_moderated: bool


class Links(Schema):
    details: str


class AliasTarget(Schema):
    """The model that an alias stands for."""

    name: str
    slug: str


class Model(Schema):
    """A model that requests may name by its `id`. `created` is in Unix seconds, lengths are in tokens."""

    id: str
    canonical_slug: str
    hugging_face_id: str | None
    name: str
    created: int
    description: str
    context_length: int
    architecture: Architecture
    pricing: Pricing
    top_provider: TopProvider
    per_request_limits: dict[str, Any] | None
    supported_parameters: list[str]
    supported_voices: list[str] | None
    default_parameters: dict[str, Any] | None
    knowledge_cutoff: str | None
    expiration_date: str | None
    links: Links
    alias_target: AliasTarget | None = None
    object: Literal["model"]
    owned_by: str


class NextPage(Schema):
    next: str | None


class Models(Schema):
    object: Literal["list"]
    data: list[Model]
    total_count: int
    links: NextPage


class AnthropicModel(Model):
    """A model with the fields that Anthropic's clients expect beside ours."""

    type: Literal["model"]
    display_name: str
    created_at: datetime
    lifecycle: str
    capabilities: dict[str, Any] | None
    line: str | None
    max_input_tokens: int
    max_tokens: int
    deprecated_at: datetime | None
    retires_at: datetime | None


class AnthropicModels(Schema):
    """The list that clients get which send `anthropic-version`."""

    data: list[AnthropicModel]
    has_more: bool
    first_id: str | None
    last_id: str | None


class OneModel(Schema):
    data: Model


class Count(Schema):
    count: int


class ModelCount(Schema):
    data: Count


class ToolChoice(Schema):
    """The values of `tool_choice` that the endpoint takes."""

    auto: bool
    none: bool
    required: bool
    function: bool


class Percentiles(Schema):
    p50: float
    p75: float
    p90: float
    p99: float


class Endpoint(Schema):
    """One model at one provider. Uptimes are percentages, latencies milliseconds, throughputs tokens per second."""

    name: str
    model_id: str
    model_name: str
    provider_name: str
    tag: str
    context_length: int
    max_completion_tokens: int | None
    max_prompt_tokens: int | None
    pricing: Pricing
    quantization: str | None
    status: int
    supported_parameters: list[str]
    supports_tool_choice: ToolChoice
    supports_implicit_caching: bool
    supports_diarization: bool
    native_tools: dict[str, Any]
    service_tier: str | None
    uptime_last_5m: float | None
    uptime_last_30m: float | None
    uptime_last_1d: float | None
    latency_last_30m: Percentiles | None
    throughput_last_30m: Percentiles | None


class Endpoints(Schema):
    data: list[Endpoint]


class EndpointsOfModel(Schema):
    id: str
    name: str
    created: int
    description: str
    architecture: Architecture
    endpoints: list[Endpoint]


class ModelEndpoints(Schema):
    data: EndpointsOfModel


class Provider(Schema):
    """A provider of models. Places are ISO 3166 codes of countries."""

    name: str
    slug: str
    privacy_policy_url: str | None
    terms_of_service_url: str | None
    status_page_url: str | None
    headquarters: str | None
    datacenters: list[str] | None


class Providers(Schema):
    data: list[Provider]
