"""The paths that the site serves below /api/v1."""

from api.router import urlpatterns
from gateway import asgi

__all__ = ["django_paths", "is_served"]


def django_paths() -> set[str]:
    """Every path of the management API, with its parameters in angle brackets."""
    routes = urlpatterns[0].url_patterns
    return {f"/api/v1/{route.pattern}" for route in routes if str(route.pattern)}


def is_served(path: str) -> bool:
    """Whether a path without parameters is served, for example "/responses"."""
    return f"/api/v1{path}" in asgi.PATHS | django_paths()
