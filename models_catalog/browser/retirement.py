"""The end of a model, as pages write it."""

from common.clock import utc_now
from common.display import moments
from models_catalog.entries import ModelEntry

__all__ = ["retirement"]


def retirement(model: ModelEntry) -> str:
    """Return "Retires 30 Jun 2027", "Retired 30 Jun 2026" from that day on, or an empty text if none is announced."""
    if not model.expires_on:
        return ""
    verb = "Retired" if model.is_retired(utc_now().date()) else "Retires"
    return f"{verb} {moments.day_text(model.expires_on)}"
