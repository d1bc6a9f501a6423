"""The tables of activity: saved views, and the public rankings."""

from .rankings import (
    CATEGORIES,
    USE_OF,
    USES,
    App,
    AppDay,
    AppTitle,
    ModelContextDay,
    ModelDay,
    RankedDay,
    SentCategories,
    Standing,
    UseDay,
)
from .saved_views import SavedView, new_view_id

__all__ = [
    "CATEGORIES", "USES", "USE_OF", "App", "AppDay", "AppTitle", "ModelContextDay", "ModelDay", "RankedDay",
    "SavedView", "SentCategories", "Standing", "UseDay",
    "new_view_id",
]  # fmt: skip
