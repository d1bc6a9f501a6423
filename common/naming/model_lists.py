"""Lists of models: by ID, or `author/*` for all models of an author."""

from collections.abc import Container

__all__ = ["is_listed"]


def is_listed(model_id: str, names: Container[str]) -> bool:
    """Return whether the model, or all models of its author, is among the names."""
    return model_id in names or f"{model_id.partition('/')[0]}/*" in names
