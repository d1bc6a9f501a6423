"""The tables of activity: saved views, and the public rankings."""

from .rankings import App, AppDay, AppTitle, ModelDay, RankedDay
from .saved_views import SavedView, new_view_id

__all__ = ["App", "AppDay", "AppTitle", "ModelDay", "RankedDay", "SavedView", "new_view_id"]
