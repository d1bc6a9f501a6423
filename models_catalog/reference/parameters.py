"""The optional parameters of a request: an endpoint lists those it takes in `supported_parameters`."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = [
    "FILTERABLE",
    "IMPLIED_BY",
    "PARAMETERS",
    "QUANTIZATIONS",
    "REQUIRABLE",
    "VARIANT_PARAMETERS",
    "always_reasons",
    "choices_of",
    "provider_parameters",
    "service_tier_of",
    "supports",
    "supports_all",
]

#: The formats of an endpoint's weights, as `provider.quantizations` names them.
QUANTIZATIONS = (
    "int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown",
)  # fmt: skip


class Parameter(NamedTuple):
    """One parameter, and the parts of the site that use it."""

    name: str
    implied_by: str = ""  # an endpoint that lists this parameter takes `name` as well
    requirable: bool = True  # `provider.require_parameters` demands it of an endpoint when the request uses it
    filterable: bool = False  # the models page offers it as a filter


#: In the order of the models page.
PARAMETERS = (
    Parameter("tools", filterable=True),
    Parameter("tool_choice", implied_by="tools", filterable=True),
    Parameter("parallel_tool_calls", implied_by="tools"),
    Parameter("structured_outputs", filterable=True),  # sent as a schema in `response_format`
    Parameter("response_format", filterable=True),
    Parameter("reasoning", filterable=True),  # sent under a name that depends on the provider
    Parameter("include_reasoning", filterable=True),
    Parameter("temperature", filterable=True),
    Parameter("top_p", filterable=True),
    Parameter("max_tokens", requirable=False, filterable=True),  # every endpoint has some limit
    Parameter("stop", filterable=True),
    Parameter("seed", filterable=True),
    Parameter("frequency_penalty", filterable=True),
    Parameter("presence_penalty", filterable=True),
    Parameter("repetition_penalty"),
    Parameter("top_k"),
    Parameter("min_p"),
    Parameter("top_a"),
    Parameter("logit_bias"),
    Parameter("logprobs"),
    Parameter("top_logprobs", implied_by="logprobs"),
    Parameter("verbosity"),
    Parameter("prediction"),
    Parameter("web_search_options"),
    Parameter("dimensions"),
    Parameter("input_type"),
)

#: What the endpoints of a variant take, whether they list it or not.
VARIANT_PARAMETERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"thinking": frozenset({"reasoning", "include_reasoning"})}
)


class _Taken(NamedTuple):
    """Parameters that endpoints of these providers take, beyond those that the sources of the catalog list."""

    providers: frozenset[str]  # slugs
    parameters: frozenset[str]
    models: re.Pattern[str]  # matches the start of the model IDs
    beside: str  # only endpoints that list this one: models that refuse `temperature` refuse all of its kind


def _taken(providers: str, parameters: str, *, models: str = "", beside: str = "temperature") -> _Taken:
    return _Taken(frozenset(providers.split()), frozenset(parameters.split()), re.compile(models), beside)


#: From the providers' references of their APIs.
_TAKEN = (
    _taken("openai azure", "logprobs top_logprobs logit_bias", models=r"openai/gpt-(3\.5|4)"),
    _taken("openai azure", "prediction", models=r"openai/gpt-4(o|\.1)"),
    _taken("openai azure", "verbosity", models=r"openai/gpt-[5-9](?!.*(chat|image))", beside="max_tokens"),
    _taken("fireworks novita", "logprobs top_logprobs logit_bias top_k min_p repetition_penalty"),
    _taken("together", "logit_bias top_k min_p repetition_penalty"),
    _taken("deepinfra", "top_k min_p repetition_penalty"),
    _taken("cerebras", "logprobs top_logprobs"),
    _taken("mistral", "seed"),
    _taken("perplexity", "web_search_options top_k"),
    _taken("anthropic google-ai-studio", "top_k"),
)

#: The most completions in one response (`n`), from the same references; one at every other provider.
_CHOICES: Mapping[str, int] = MappingProxyType(
    {
        "azure": 128, "deepinfra": 4, "fireworks": 128, "mistral": 128, "moonshotai": 5, "novita": 128, "openai": 128,
        "together": 128,
    }
)  # fmt: skip
#: A server of the operator's own: the usual software for them takes `n`.
_OWN_CHOICES = 128

#: Models whose reasoning cannot be turned off, from their authors' references.
_ALWAYS_REASONS = re.compile(
    r"openai/(o\d|gpt-5(-(?!chat)|$)|gpt-oss-)|google/gemini-(2\.5|3(\.\d)?)-pro|deepseek/deepseek-r1|minimax/minimax-m[2-9]"
    r"|[\w-]+/[\w.-]+-thinking"
)

#: Names of service tiers in endpoint tags: `openai/priority`.
_SERVICE_TIERS = frozenset({"flex", "priority"})

IMPLIED_BY: Mapping[str, str] = MappingProxyType({one.name: one.implied_by for one in PARAMETERS if one.implied_by})
REQUIRABLE = frozenset(one.name for one in PARAMETERS if one.requirable)
FILTERABLE = tuple(one.name for one in PARAMETERS if one.filterable)


def supports(listed: frozenset[str], parameter: str) -> bool:
    """Whether an endpoint that lists these parameters takes this one."""
    return parameter in listed or IMPLIED_BY.get(parameter) in listed


def supports_all(listed: frozenset[str], parameters: frozenset[str]) -> bool:
    """Whether an endpoint that lists these parameters takes all of those."""
    return parameters <= listed or all(supports(listed, parameter) for parameter in parameters - listed)


def provider_parameters(provider: str, model_id: str, listed: frozenset[str]) -> frozenset[str]:
    """Parameters that the provider takes for the model, although its endpoint lists only those of `listed`."""
    known = (one for one in _TAKEN if provider in one.providers and one.beside in listed and one.models.match(model_id))
    return frozenset().union(*(one.parameters for one in known))


def always_reasons(model_id: str) -> bool:
    """Whether the model's reasoning cannot be turned off."""
    return _ALWAYS_REASONS.match(model_id) is not None


def choices_of(provider: str, *, is_own: bool) -> int:
    """The most completions that one response of the provider can have."""
    return _CHOICES.get(provider, _OWN_CHOICES if is_own else 1)


def service_tier_of(tag: str) -> str:
    """The service tier in the tag of an endpoint; empty for the standard one."""
    name = tag.partition("/")[2]
    return name if name in _SERVICE_TIERS else ""
