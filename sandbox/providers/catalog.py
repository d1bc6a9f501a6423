"""The models that a provider lists, and their context lengths.

Without a catalog file a provider lists the models requested so far and takes prompts of any length.
"""

from pathlib import Path
from typing import Any

import msgspec

__all__ = ["Catalog", "read_catalog", "read_dimensions"]

_MOST = 2000  # names remembered over all providers


class Catalog:
    """Provider → model name → longest context in tokens, or None."""

    def __init__(self, known: dict[str, dict[str, int | None]] | None = None) -> None:
        self._known = known or {}
        self._asked = 0

    def context_length(self, provider: str, model: str) -> int | None:
        """The longest context of `model` in tokens; None when it is not known. Remembers the name."""
        models = self._known.get(provider, {})
        if model not in models and self._asked < _MOST:
            self._asked += 1
            self._known.setdefault(provider, {})[model] = None
        return models.get(model)

    def listed(self, provider: str) -> list[dict[str, Any]]:
        """The body of a provider's list of models."""
        return [
            {"id": name, "object": "model", "created": 1_735_689_600, "owned_by": provider}
            | ({"context_length": length} if length else {})
            for name, length in self._known.get(provider, {}).items()
        ]


def read_catalog(path: Path) -> Catalog:
    """The catalog in a JSON file: its `endpoints` have provider, model, perhaps provider_model_id, context_length."""
    known: dict[str, dict[str, int | None]] = {}
    for endpoint in msgspec.json.decode(path.read_bytes())["endpoints"]:
        known.setdefault(endpoint["provider"], {})[_name(endpoint)] = endpoint.get("context_length")
    return Catalog(known)


def read_dimensions(path: Path) -> dict[tuple[str, str], int]:
    """The dimensions of vectors by provider and model name, from such a file with `models` that have dimensions."""
    facts = msgspec.json.decode(path.read_bytes())
    sizes = {model["id"]: model["dimensions"] for model in facts["models"] if model.get("dimensions")}
    return {
        (endpoint["provider"], _name(endpoint)): sizes[endpoint["model"]]
        for endpoint in facts["endpoints"]
        if endpoint["model"] in sizes
    }


def _name(endpoint: dict[str, Any]) -> str:
    name: str = endpoint.get("provider_model_id") or endpoint["model"]
    return name
