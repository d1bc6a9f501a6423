"""The settings of a site whose pages are opened by many browsers: its static files do not change while it runs.

Each test has a browser profile of its own, and a page of the chat consists of a hundred files.
"""

from openrouter_site.settings import *  # noqa: F403

STATIC_ROOT = None  # type: ignore[assignment]  # nothing is collected
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 600
