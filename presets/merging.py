"""Merging a preset into the body of a chat completion request. Pure.

Fields of the request override those of the preset, whole: objects are not merged. Two exceptions: tools of both are
joined, and a field also overrides the other spellings of its meaning. A field that is null counts as absent.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from common.errors import InvalidRequest

__all__ = ["CACHE_FIELDS", "NAME_PREFIX", "PresetInUse", "merged", "named_slug", "request_fields"]

#: `@preset/<slug>` stands for a preset's model, and `<model>@preset/<slug>` for another model with its settings.
NAME_PREFIX = "@preset/"
#: Fields that say the same in several ways: a request that sends one overrides all.
SPELLINGS = (
    frozenset({"max_tokens", "max_completion_tokens"}),
    frozenset({"reasoning", "reasoning_effort", "include_reasoning"}),
)

#: Fields of a preset that no request has: they say whether and how long responses are cached.
CACHE_FIELDS = frozenset({"cache_enabled", "cache_ttl_seconds"})

Body = Mapping[str, Any]


class PresetInUse(msgspec.Struct, frozen=True, kw_only=True):
    """The designated version of a preset."""

    version_id: int
    slug: str
    version: int
    system_prompt: str
    config: dict[str, Any]

    @property
    def cache_enabled(self) -> bool | None:
        """Whether responses may come from the response cache; None if the preset leaves it to the request."""
        return self.config.get("cache_enabled")

    @property
    def cache_ttl_seconds(self) -> int | None:
        """Seconds that a response stays in the response cache; None if the preset does not say."""
        return self.config.get("cache_ttl_seconds")


def named_slug(body: Body) -> str:
    """Return the slug of the preset that a request names, in `preset` or in a model's name; empty without one.

    Raises InvalidRequest if it names several.
    """
    names = [body.get("model") or "", *(body.get("models") or ())]
    slugs = [slug for name in names if (slug := _split(name)[1]) is not None]
    if body.get("preset") is not None:
        slugs.append(body["preset"].strip())
    if len(several := dict.fromkeys(slugs)) > 1:
        raise InvalidRequest(f"A request uses one preset, but this one names {' and '.join(several)}. Keep one.")
    return slugs[0] if slugs else ""


def request_fields(config: Body) -> dict[str, Any]:
    """Return the fields of a preset that are fields of requests."""
    return {name: value for name, value in config.items() if name not in CACHE_FIELDS}


def merged(config: Body, body: Body) -> dict[str, Any]:
    """Return the body with the preset's fields where the request has none, and without the name of the preset."""
    sent = {name: value for name, value in body.items() if value is not None and name != "preset"}
    overridden = set(sent).union(*(group for group in SPELLINGS if group & sent.keys()))
    result = {name: value for name, value in request_fields(config).items() if name not in overridden} | sent
    result |= _models(config, sent)
    if (tools := sent.get("tools")) and (others := config.get("tools")):
        result["tools"] = _joined(others, tools)
    return result


def _models(config: Body, sent: Body) -> dict[str, Any]:
    """`model` and `models` of a request, with the preset's models in the place of its name."""
    own = [name for name in (config.get("model"), *(config.get("models") or ())) if name]
    models: dict[str, Any] = {}
    if (model := sent.get("model")) is not None:
        base, slug = _split(model)
        models["model"] = base or config.get("model") if slug is not None else model
    if (names := sent.get("models")) is not None:
        models["models"] = [
            model for base, slug in map(_split, names) for model in (own if slug is not None and not base else [base])
        ]
    return models


def _split(name: str) -> tuple[str, str | None]:
    """(the model, the slug); the slug is None if the name has none."""
    base, found, slug = name.strip().partition(NAME_PREFIX)
    return base, slug if found else None


def _joined(preset: Sequence[Any], request: Sequence[Any]) -> list[Any]:
    """The tools of both. A tool of the request replaces the preset's tool of the same identity."""
    replaced = set(map(_identity, request))
    return [tool for tool in preset if _identity(tool) not in replaced] + list(request)


def _identity(tool: Any) -> tuple[str, ...]:
    """The type and name of a tool: two tools of one identity cannot be told apart by a model."""
    return tuple(str(part) for part in _identifying(tool))


def _identifying(tool: Any) -> Iterable[Any]:
    if not isinstance(tool, Mapping):
        return ("", tool)
    function = tool.get("function")
    name = function.get("name") if isinstance(function, Mapping) else tool.get("name")
    return (tool.get("type") or "function", name or "")
