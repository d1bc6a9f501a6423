"""The generations of Claude. The protocol is the same for all; the parameters that a model refuses with 400 are not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

__all__ = ["GENERATIONS", "Generation", "generation_of"]

_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2}))?(?!\d)")

#: The version assumed for a name without one: the last that takes a reasoning budget and no effort.
_UNKNOWN_VERSION = (4, 5)

#: Every effort of a request, as the value of `output_config.effort`.
_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}


@dataclass(frozen=True, kw_only=True)
class Generation:
    """The models from one version up to the next entry of the table, and the parameters that they take."""

    #: The first version, (major, minor).
    since: tuple[int, int]
    #: `temperature` and `top_p` are accepted together; otherwise `top_p` is dropped when both are set.
    top_p_with_temperature: bool = False
    #: `thinking.budget_tokens` is accepted.
    reasoning_budgets: bool = True
    #: `output_config.effort` and adaptive thinking are accepted.
    reasoning_efforts: bool = False
    #: The model reasons unless the request turns it off.
    reasons_by_default: bool = False
    #: The value of `output_config.effort` for each effort of a request.
    efforts: Mapping[str, str]

    def effort(self, requested: str) -> str:
        """The nearest effort that these models take."""
        return self.efforts.get(requested, "medium")


_CLAUDE_3 = Generation(since=(0, 0), top_p_with_temperature=True, efforts=_EFFORTS | {"xhigh": "high"})
_CLAUDE_4 = replace(_CLAUDE_3, since=(4, 0), top_p_with_temperature=False)
_CLAUDE_4_6 = replace(_CLAUDE_4, since=(4, 6), reasoning_efforts=True)
_CLAUDE_4_7 = replace(_CLAUDE_4_6, since=(4, 7), reasoning_budgets=False, efforts=_EFFORTS)
_CLAUDE_5 = replace(_CLAUDE_4_7, since=(5, 0), reasons_by_default=True)

#: Oldest first. A new generation is one entry with what it changes.
GENERATIONS = (_CLAUDE_3, _CLAUDE_4, _CLAUDE_4_6, _CLAUDE_4_7, _CLAUDE_5)


@lru_cache(maxsize=1024)
def generation_of(model: str) -> Generation:
    """The generation of a model, by its name at the provider."""
    found = _VERSION.search(model)
    version = (int(found[1]), int(found[2] or 0)) if found else _UNKNOWN_VERSION
    return next(generation for generation in reversed(GENERATIONS) if generation.since <= version)
