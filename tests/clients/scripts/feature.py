"""Shared by the scripts of Python clients: the site, a key, questions, and the report of each feature.

A script runs in an environment that has its client and nothing of the site.
"""

import json
import os
import traceback
from collections.abc import Callable

SITE = os.environ["SITE"]
KEY = os.environ["KEY"]
MODEL = "openai/gpt-4o-mini"
THINKING_MODEL = "anthropic/claude-sonnet-4.5"
EMBEDDING_MODEL = "openai/text-embedding-3-small"
QUESTION = "What is the meaning of life?"
WEATHER_QUESTION = "What is the weather in Lisbon?"
#: A red square of 16 pixels.
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mP4z8BAEmIY1TCqYfhqAACQ+f8B8u7oVwAAAABJRU5ErkJggg=="
PICTURE_URL = f"data:image/png;base64,{PICTURE}"
PICTURE_QUESTION = "What is in this image?"


def weather(city: str) -> str:
    """Return the weather in a city.

    Args:
        city: The name of the city.
    """
    return f"17 degrees and sunny in {city}"


def feature(attempt: Callable[[], object]) -> Callable[[], object]:
    """Run `attempt` at once and print `{"feature", "error"}` as a line of JSON; its name is the feature's."""
    error = None
    try:
        attempt()
    except Exception as failure:
        traceback.print_exc()
        error = f"{type(failure).__name__}: {failure}"
    print(json.dumps({"feature": attempt.__name__.replace("_", " "), "error": error}), flush=True)
    return attempt
