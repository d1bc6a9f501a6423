"""JSON that a person types."""

import json
import math
from typing import Any

__all__ = ["parse"]


def parse(text: str) -> Any:
    """The value of a JSON text.

    Raises json.JSONDecodeError for what is no JSON, and ValueError or RecursionError for a number, a text or a depth
    that readers of JSON don't take.
    """
    found = json.loads(text, parse_float=_finite, parse_constant=_refused)
    json.dumps(found, ensure_ascii=False).encode()
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _refused(name: str) -> float:
    raise ValueError(name)
