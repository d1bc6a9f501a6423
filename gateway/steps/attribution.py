"""The categories that programs send for their app, in memory until `collect` takes them.

They say nothing about the request, so they are not stored with it. A process that dies loses those of some seconds.
"""

import re
import threading

__all__ = ["MOST_OF_APP", "collect", "note"]

#: Categories of a request and of an app that count, and apps that are remembered.
MOST_OF_REQUEST, MOST_OF_APP, MOST_APPS = 2, 10, 10_000

_CATEGORY = re.compile("[a-z0-9][a-z0-9-]{0,29}", re.ASCII)
_lock = threading.Lock()
_sent: dict[tuple[int, str], tuple[str, ...]] = {}


def note(organisation_id: int, app: str, header: str | None) -> None:
    """Remember the categories in X-OpenRouter-Categories, a list with commas, of an organization's app."""
    if not (header and app):
        return
    texts = (text.strip().lower() for text in header[:200].split(","))
    categories = [text for text in texts if _CATEGORY.fullmatch(text)][:MOST_OF_REQUEST]
    known = _sent.get((organisation_id, app), ())
    if all(each in known for each in categories):
        return
    with _lock:
        known = _sent.get((organisation_id, app), ())
        if known or len(_sent) < MOST_APPS:
            _sent[organisation_id, app] = tuple(dict.fromkeys((*categories, *known)))[:MOST_OF_APP]


def collect() -> dict[tuple[int, str], tuple[str, ...]]:
    """Return the categories by organization and app since the last call, the newest first, and forget them."""
    with _lock:
        found = dict(_sent)
        _sent.clear()
    return found
