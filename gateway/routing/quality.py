"""`:exacto`: the endpoints of proven quality, and their order. Pure.

An operator may mark endpoints of a model for it. Then only those are eligible. Of a model without marked endpoints, all
are but those with coarse weights; those too, if it has no others.

What is eligible is ordered, as by `provider.sort: "exacto"`: marked endpoints first, then by the share of requests that
went well in steps of five points, then the fastest first. A request goes well when the endpoint answers it and when
what it calls are tools of the request, with arguments that are JSON. An endpoint without enough traffic to tell counts
as a good one, so that it gets some. A conversation returns to the endpoint that has its prompt cached only while that
one is as good as the best.
"""

import math
from typing import Any

from models_catalog.catalog import EndpointEntry, ModelEntry

from .health import EndpointHealth

__all__ = ["grade", "has_curated", "is_coarse", "rank"]

#: Weights rounded this far.
_COARSE = frozenset({"int4", "fp4", "mxfp4", "nvfp4", "fp6"})

#: Differences of less than this, of the share of requests that went well, are chance: then speed decides.
STEPS = 20


def has_curated(model: ModelEntry) -> bool:
    """Whether an endpoint that is configured here is marked for `:exacto`."""
    return any(endpoint.is_exacto and endpoint.configured for endpoint in model.endpoints)


def is_coarse(endpoint: EndpointEntry, model: ModelEntry) -> bool:
    """Whether the endpoint has coarse weights while another one of the model does not."""
    return endpoint.quantization in _COARSE and any(one.quantization not in _COARSE for one in model.endpoints)


def rank(endpoint: EndpointEntry, known: EndpointHealth) -> tuple[Any, ...]:
    """The key to sort endpoints by, best first."""
    return *grade(endpoint, known), -(known.throughput or {}).get("p50", 0.0)


def grade(endpoint: EndpointEntry, known: EndpointHealth) -> tuple[bool, int]:
    """The part of `rank` that speed cannot make up for, and no prompt cache either."""
    well = _share(known.uptime) * _share(known.tool_success)
    return not endpoint.is_exacto, -math.ceil(well * STEPS)


def _share(percent: float | None) -> float:
    return 1.0 if percent is None else percent / 100
