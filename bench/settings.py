"""The site's settings for measurements of memory: Django keeps every query of the last minutes if DEBUG is on."""

from openrouter_site.settings import *  # noqa: F403

DEBUG = False
