"""The site: settings, routes, servers. Knows every app; no app knows it."""

import gc

# Look for garbage less often, from the first import on: what an import makes stays. With the default thresholds,
# collection took a quarter of the CPU time of a start, and of a request; with 10,000 it still took a twentieth.
gc.set_threshold(100_000, 20, 20)

from .celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
