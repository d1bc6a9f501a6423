"""Rules for what may be saved: a preset that is accepted is one that requests can use.

The fields of requests have the gateway's own rules, which it registers with `provide`: apps import downwards.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from common.errors import InvalidRequest

from .content import Content
from .merging import NAME_PREFIX, request_fields

__all__ = ["MAX_SLUG", "NOT_KEPT", "SLUG", "check", "check_slug", "config_of", "place_of", "provide", "slug_of"]

MAX_SLUG = 64
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
#: Words that are paths of the pages.
RESERVED = frozenset({"create"})

MAX_SYSTEM_PROMPT = 100_000  # characters
MAX_CONFIG = 100_000  # bytes of JSON
MAX_CACHE_SECONDS = 86_400

#: Fields of requests that belong to one request: they are not part of a preset.
NOT_KEPT = frozenset({
    "messages", "prompt", "input", "instructions", "preset", "stream", "stream_options", "usage", "user", "session_id",
    "safety_identifier", "prompt_cache_key", "previous_response_id", "metadata", "trace", "debug",
})  # fmt: skip

_check_fields: Callable[[dict[str, Any]], None] | None = None


def provide(check_fields: Callable[[dict[str, Any]], None]) -> None:
    """Register `check_fields(config)`, which raises InvalidRequest for fields that no request may have."""
    global _check_fields
    _check_fields = check_fields


def check(content: Content) -> None:
    """Raise InvalidRequest, which names the place and the reason of the first fault."""
    if len(content.system_prompt) > MAX_SYSTEM_PROMPT:
        raise _fault(f"longer than {MAX_SYSTEM_PROMPT:,} characters. Shorten it", "system_prompt")
    if len(msgspec.json.encode(content.config)) > MAX_CONFIG:
        raise InvalidRequest(f"Invalid preset: its fields are larger than {MAX_CONFIG:,} bytes of JSON. Remove some.")
    for name in sorted(NOT_KEPT & content.config.keys()):
        raise _fault("belongs to a request, not to a preset. Remove it", name)
    _check_models(content.config)
    _check_cache(content.config)
    if _check_fields is not None:
        _check_fields(request_fields(content.config))


def check_slug(slug: str) -> None:
    """Raise InvalidRequest unless the slug can stand in a model's name and in a path."""
    if not SLUG.fullmatch(slug) or slug in RESERVED:
        reason = f"{slug!r} is reserved" if slug in RESERVED else f"use up to {MAX_SLUG} of a-z, 0-9 and inner hyphens"
        raise InvalidRequest(f"Invalid slug: {reason}. For example: customer-support")


def slug_of(name: str) -> str:
    """Return a slug made from a name; empty if it has no letter or digit that a slug may have."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MAX_SLUG].strip("-")


def config_of(body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a chat completion request that a preset keeps."""
    return {name: value for name, value in body.items() if name not in NOT_KEPT and value is not None}


def place_of(message: str) -> str:
    """Return the top-level field that the message of an error names; empty if it names none."""
    found = re.search(r"at `\$\.(\w+)", message) or re.search(r"`(\w+)[`.]", message)
    return found[1] if found else ""


def _check_models(config: dict[str, Any]) -> None:
    models = config.get("models")
    others = models if isinstance(models, list) else []
    for place, name in [("model", config.get("model")), *(("models", name) for name in others)]:
        if isinstance(name, str) and NAME_PREFIX in name:
            raise _fault("a preset cannot use another preset. Name a model", place)


def _check_cache(config: dict[str, Any]) -> None:
    if not isinstance(config.get("cache_enabled", False), bool):
        raise _fault("must be true or false", "cache_enabled")
    seconds = config.get("cache_ttl_seconds", 1)
    if type(seconds) is not int or not 1 <= seconds <= MAX_CACHE_SECONDS:
        raise _fault(f"must be a whole number of seconds from 1 to {MAX_CACHE_SECONDS:,}", "cache_ttl_seconds")


def _fault(reason: str, place: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid request parameters: {reason} - at `$.{place}`")
