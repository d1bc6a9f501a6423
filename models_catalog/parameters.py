"""The optional parameters of a request: an endpoint lists those it takes in `supported_parameters`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["DROPPABLE", "FILTERABLE", "IMPLIED_BY", "REQUIRABLE", "VARIANT_PARAMETERS", "supports", "supports_all"]


class Parameter(NamedTuple):
    """One parameter, and the parts of the site that use it."""

    name: str
    implied_by: str = ""  # an endpoint that lists this parameter takes `name` as well
    requirable: bool = True  # `provider.require_parameters` demands it of an endpoint when the request uses it
    droppable: bool = True  # left out of a request to an OpenAI-compatible endpoint that does not take it
    filterable: bool = False  # the models page offers it as a filter


#: In the order of the models page.
PARAMETERS = (
    Parameter("tools", filterable=True),
    Parameter("tool_choice", implied_by="tools", filterable=True),
    Parameter("parallel_tool_calls", implied_by="tools"),
    Parameter("structured_outputs", droppable=False, filterable=True),  # sent as a schema in `response_format`
    Parameter("response_format", filterable=True),
    Parameter("reasoning", droppable=False, filterable=True),  # sent under a name that depends on the provider
    Parameter("include_reasoning", droppable=False, filterable=True),
    Parameter("temperature", filterable=True),
    Parameter("top_p", filterable=True),
    Parameter("max_tokens", requirable=False, droppable=False, filterable=True),  # every endpoint has some limit
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
    Parameter("prediction", requirable=False),
    Parameter("web_search_options", requirable=False),
    Parameter("dimensions"),
    Parameter("input_type"),
)

#: What the endpoints of a variant take, whether they list it or not.
VARIANT_PARAMETERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"thinking": frozenset({"reasoning", "include_reasoning"})}
)

IMPLIED_BY: Mapping[str, str] = MappingProxyType({one.name: one.implied_by for one in PARAMETERS if one.implied_by})
REQUIRABLE = frozenset(one.name for one in PARAMETERS if one.requirable)
DROPPABLE = frozenset(one.name for one in PARAMETERS if one.droppable)
FILTERABLE = tuple(one.name for one in PARAMETERS if one.filterable)


def supports(listed: frozenset[str], parameter: str) -> bool:
    """Whether an endpoint that lists these parameters takes this one."""
    return parameter in listed or IMPLIED_BY.get(parameter) in listed


def supports_all(listed: frozenset[str], parameters: frozenset[str]) -> bool:
    """Whether an endpoint that lists these parameters takes all of those."""
    return parameters <= listed or all(supports(listed, parameter) for parameter in parameters - listed)
