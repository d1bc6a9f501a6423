"""The models that a provider lists, and their context lengths.

Without a catalog file a provider lists the models requested so far and takes prompts of any length.
"""

from pathlib import Path
from typing import Any

import msgspec

__all__ = ["Catalog", "read_catalog"]

#: Of the vectors of a model that is not known.
DIMENSIONS = 256
_MOST = 2000  # names remembered over all providers


class Catalog:
    """Provider → model name → longest context in tokens, or None."""

    def __init__(
        self,
        known: dict[str, dict[str, int | None]] | None = None,
        dimensions: dict[tuple[str, str], int] | None = None,
    ) -> None:
        self._known = known or {}
        self._dimensions = dimensions or {}
        self._asked = 0

    def context_length(self, provider: str, model: str) -> int | None:
        """The longest context of `model` in tokens; None when it is not known. Remembers the name."""
        models = self._known.get(provider, {})
        if model not in models and self._asked < _MOST:
            self._asked += 1
            self._known.setdefault(provider, {})[model] = None
        return models.get(model)

    def dimensions(self, provider: str, model: str) -> int:
        """The usual number of dimensions of the model's vectors."""
        return self._dimensions.get((provider, model), DIMENSIONS)

    def listed(self, provider: str) -> list[dict[str, Any]]:
        """The body of a provider's list of models."""
        return [
            {"id": name, "object": "model", "created": 1_735_689_600, "owned_by": provider}
            | ({"context_length": length} if length else {})
            for name, length in self._known.get(provider, {}).items()
        ]


def read_catalog(path: Path) -> Catalog:
    """The catalog in a JSON file: its `endpoints` have provider, model, perhaps provider_model_id, context_length.

    Its `models`, if it has them, may have dimensions.
    """
    facts = msgspec.json.decode(path.read_bytes())
    sizes = {model["id"]: model["dimensions"] for model in facts.get("models", ()) if model.get("dimensions")}
    known: dict[str, dict[str, int | None]] = {}
    dimensions: dict[tuple[str, str], int] = {}
    for endpoint in facts["endpoints"]:
        name = endpoint.get("provider_model_id") or endpoint["model"]
        known.setdefault(endpoint["provider"], {})[name] = endpoint.get("context_length")
        if size := sizes.get(endpoint["model"]):
            dimensions[endpoint["provider"], name] = size
    return Catalog(known, dimensions)
