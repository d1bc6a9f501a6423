"""The site: settings, routes, servers. Knows every app; no app knows it."""

import gc

# Look for garbage less often, from the first import on: what an import makes stays. With the default thresholds,
# collection took a quarter of the CPU time of a start, and of a request.
gc.set_threshold(10_000, 20, 20)

from .celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
