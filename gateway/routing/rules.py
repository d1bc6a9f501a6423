"""The parts of a rule that excludes endpoints: its reason, and the matching of names. Pure."""

from collections.abc import Callable, Container
from typing import NamedTuple

import msgspec

from models_catalog.catalog import EndpointEntry

from .constraints import RoutingConstraints
from .model_names import ResolvedModel

__all__ = ["Exclusion", "Reason", "Rule", "is_listed"]


class Reason(msgspec.Struct, frozen=True, eq=False):
    """Why an endpoint is excluded. Hashed by identity, because exclusions are counted on the hot path."""

    code: str
    words: str  # follow a number of endpoints
    field: str = ""  # what to change in the request
    public_code: str = ""  # in `error.availability.excluded_by`, which has ten codes; empty: `code` is one of them
    of_guardrail: bool = False

    @property
    def is_data_policy(self) -> bool:
        return self.code.startswith("data_policy")


class Exclusion(NamedTuple):
    """Why an endpoint may not or cannot serve a request, and the name of its provider."""

    reason: Reason
    provider_name: str


class Rule(NamedTuple):
    """Excludes an endpoint of a model from a request, for a reason."""

    reason: Reason
    constraint: str  # the attribute of the constraints that the rule needs; empty: it needs none
    excludes: Callable[[EndpointEntry, ResolvedModel, RoutingConstraints], bool]


def is_listed(endpoint: EndpointEntry, names: Container[str]) -> bool:
    """Whether one of the names, in lower case, is the endpoint's: its provider's slug, its tag, its provider's name."""
    return endpoint.provider in names or endpoint.tag.lower() in names or endpoint.provider_name.lower() in names
