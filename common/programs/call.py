"""The request that a program sends, and the program."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

__all__ = ["Call", "Program"]


@dataclass(frozen=True, slots=True)
class Call:
    """A request: its path below /api/v1, its JSON body, and headers beside those that every request has."""

    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)  # printable ASCII

    @property
    def api(self) -> str:
        """The address of this site's API."""
        return f"{settings.SITE_URL}/api/v1"

    @property
    def url(self) -> str:
        return f"{self.api}/{self.path}"

    @property
    def streams(self) -> bool:
        return self.body.get("stream") is True and self.path not in {"embeddings", "rerank"}

    @property
    def calls_tools(self) -> bool:
        """Whether the response may call tools, so that its text alone would show too little."""
        return bool(self.body.get("tools"))


@dataclass(frozen=True, slots=True)
class Program:
    """The text of a program. `name` is unique and valid as an HTML ID; `language` is for coloring."""

    name: str
    label: str
    language: str
    code: str
