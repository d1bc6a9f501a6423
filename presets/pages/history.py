"""The content of versions for people: its settings line by line, and what changed from one version to the next."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from presets.content import Content, Undecryptable, opened
from presets.models import PresetVersion

__all__ = ["Change", "Entry", "changes", "entries", "settings_of"]

LONGEST = 80  # characters of a value


@dataclass(frozen=True)
class Change:
    """One setting: its name, and its value before and after. None: not set."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Entry:
    """A version, its content (None if it cannot be decrypted), and the changes since the version before."""

    version: PresetVersion
    content: Content | None
    changes: list[Change]

    @property
    def settings(self) -> list[tuple[str, str]]:
        return settings_of(self.content) if self.content else []


def settings_of(content: Content) -> list[tuple[str, str]]:
    """Return the fields of a content with their whole values, by name."""
    return sorted((name, _text(value)) for name, value in _flat(content.config))


def changes(before: Content, after: Content) -> list[Change]:
    """Return the settings that differ, by name; a system prompt by its length."""
    old, new = dict(settings_of(before)), dict(settings_of(after))
    found = [
        Change(name, _short(old.get(name)), _short(new.get(name)))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    if before.system_prompt != after.system_prompt:
        found.insert(0, Change("system prompt", _length(before.system_prompt), _length(after.system_prompt)))
    return found


def entries(newest_first: list[PresetVersion], size: int) -> list[Entry]:
    """Return an entry for each of the first `size` versions. The one after them is what the last is compared with."""
    contents = [_readable(version) for version in newest_first]
    return [
        Entry(version, content, changes(earlier or Content(), content) if content else [])
        for version, content, earlier in zip(newest_first[:size], contents[:size], [*contents[1:], None], strict=False)
    ]


def _readable(version: PresetVersion) -> Content | None:
    try:
        return opened(version)
    except Undecryptable:
        return None


def _flat(config: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The fields, and the fields of `provider` and `reasoning` on their own."""
    for name, value in config.items():
        if not prefix and name in {"provider", "reasoning"} and isinstance(value, dict) and value:
            yield from _flat(value, f"{name}.")
        else:
            yield prefix + name, value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return msgspec.json.encode(value).decode()


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= LONGEST else text[:LONGEST] + "…"


def _length(prompt: str) -> str | None:
    return f"{len(prompt):,} character{'' if len(prompt) == 1 else 's'}" if prompt else None
