"""The models behind the Gemini protocol, and their reasoning parameters."""

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["MODELS", "GeminiModel", "gemini_model"]

#: The nearest level for each effort of a request.
_LEVELS = {"max": "high", "xhigh": "high", "high": "high", "medium": "medium", "low": "low", "minimal": "minimal"}


@dataclass(frozen=True, kw_only=True)
class GeminiModel:
    """The reasoning parameters of a model. The defaults are those of the first generations of Gemini."""

    #: `thinkingConfig` is accepted.
    reasons: bool = True
    #: Reasoning has levels, and tool calls are refused without a signature: from the third generation on.
    has_levels: bool = False
    #: There is a level below "low".
    has_minimal_level: bool = False
    #: The limits of `thinkingBudget`, in tokens.
    min_budget: int = 512
    max_budget: int = 24_576

    def level(self, effort: str) -> str:
        """The nearest level that the model has."""
        level = _LEVELS.get(effort, "medium")
        return "low" if level == "minimal" and not self.has_minimal_level else level


#: (Pattern, model): the first pattern that matches the start of the model's name at the provider applies.
MODELS = (
    (r"(?!gemini-)", GeminiModel(reasons=False)),
    (r"gemini-[12]\b.*pro", GeminiModel(min_budget=128, max_budget=32_768)),
    (r"gemini-[12]\b", GeminiModel()),
    (r"gemini-.*pro", GeminiModel(has_levels=True, min_budget=128, max_budget=32_768)),
    (r"gemini-3-flash|gemini-.*flash-lite", GeminiModel(has_levels=True, has_minimal_level=True)),
    (r"gemini-", GeminiModel(has_levels=True)),
)


@lru_cache(maxsize=1024)
def gemini_model(name: str) -> GeminiModel:
    """The parameters of a model, by its name at the provider."""
    return next(model for pattern, model in MODELS if re.match(pattern, name))
