"""Loading Django for an ASGI server, before anything that needs its apps is imported."""

import multiprocessing
import os
import sys

from django.core.asgi import get_asgi_application
from django.core.handlers.asgi import ASGIHandler
from uvicorn.config import STARTUP_FAILURE

from openrouter_site.env import SettingsError

__all__ = ["load_django"]


def load_django() -> ASGIHandler:
    """Django's ASGI application, with all apps loaded. Raises SettingsError, or ends a worker of uvicorn for good."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openrouter_site.settings")
    try:
        return get_asgi_application()
    except SettingsError as refused:
        if multiprocessing.parent_process() is None:
            raise
        # A worker of uvicorn: with this status the server stops, instead of starting it again and again.
        print(refused, file=sys.stderr)  # noqa: T201
        sys.exit(STARTUP_FAILURE)
