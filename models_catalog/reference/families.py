"""Families of models whose newest member answers to `~author/family-latest`.

Data, because names follow no rule: a part of a name can be a size, a date or another kind of model.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol, TypeVar

__all__ = ["FAMILIES", "Family", "is_alias"]


class _Model(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def created(self) -> int: ...


M = TypeVar("M", bound=_Model)


class Family(NamedTuple):
    """One family. `members` matches the IDs of its models, which have no variant."""

    author: str
    slug: str
    name: str
    members: re.Pattern[str]

    @property
    def alias(self) -> str:
        """The ID that stands for the newest model."""
        return f"~{self.author}/{self.slug}-latest"

    def newest(self, models: Iterable[M]) -> M | None:
        """The newest of these models that is a member; of two of one day, the one with the higher version."""
        members = [model for model in models if self.members.fullmatch(model.id)]
        return max(members, key=lambda model: (model.created, _version(model.id)), default=None)


def _version(model_id: str) -> list[int]:
    """The numbers in an ID."""
    return [int(number) for number in re.findall(r"\d+", model_id)]


def _family(author: str, slug: str, name: str, members: str) -> Family:
    return Family(author, slug, name, re.compile(f"{author}/{members}"))


FAMILIES = (
    _family("anthropic", "claude-opus", "Claude Opus", r"claude-opus-[\d.]+"),
    _family("anthropic", "claude-sonnet", "Claude Sonnet", r"claude-sonnet-[\d.]+"),
    _family("anthropic", "claude-haiku", "Claude Haiku", r"claude-haiku-[\d.]+"),
    _family("anthropic", "claude-fable", "Claude Fable", r"claude-fable-[\d.]+"),
    _family("openai", "gpt", "GPT", r"gpt-[\d.]+(-sol)?"),
    _family("openai", "gpt-sol", "GPT Sol", r"gpt-[\d.]+-sol"),
    _family("openai", "gpt-luna", "GPT Luna", r"gpt-[\d.]+-luna"),
    _family("openai", "gpt-mini", "GPT Mini", r"gpt-[\d.]+-mini"),
    _family("google", "gemini-pro", "Gemini Pro", r"gemini-[\d.]+-pro(-preview)?"),
    _family("google", "gemini-flash", "Gemini Flash", r"gemini-[\d.]+-flash(-preview)?"),
    _family("google", "gemini-flash-lite", "Gemini Flash Lite", r"gemini-[\d.]+-flash-lite(-preview)?"),
    _family("x-ai", "grok", "Grok", r"grok-[\d.]+"),
    _family("deepseek", "deepseek-v4-flash", "DeepSeek V4 Flash", r"deepseek-v4[\d.]*-flash(-\d{4})?"),
    _family("deepseek", "deepseek-v4-pro", "DeepSeek V4 Pro", r"deepseek-v4[\d.]*-pro(-\d{4})?"),
    _family("mistralai", "mistral-large", "Mistral Large", r"mistral-large(-[\d-]+)?"),
    _family("mistralai", "mistral-medium", "Mistral Medium", r"mistral-medium-[\d.-]+"),
    _family("mistralai", "mistral-small", "Mistral Small", r"mistral-small-(\d{4}|[\d.]+-24b-instruct)"),
    _family("moonshotai", "kimi", "Kimi", r"kimi-k[\d.]+"),
    _family("z-ai", "glm", "GLM", r"glm-[\d.]+"),
    _family("z-ai", "glm-flash", "GLM Flash", r"glm-[\d.]+-flash"),
    _family("minimax", "minimax", "MiniMax", r"minimax-m[\d.]+"),
)


def is_alias(model_id: str) -> bool:
    """Whether the ID is one of an alias, known or not."""
    return model_id.startswith("~")
