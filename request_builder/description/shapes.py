"""The shape of a field's description, the APIs that fields may be part of, and the groups of the form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

__all__ = [
    "APIS",
    "CHAT",
    "EMBEDDINGS",
    "GROUPS",
    "MESSAGES",
    "OPENAI",
    "RESPONSES",
    "YES_NO",
    "Api",
    "Field",
    "Group",
    "Kind",
    "everywhere",
    "named",
    "texts",
]

CHAT, MESSAGES, RESPONSES, EMBEDDINGS = "chat/completions", "messages", "responses", "embeddings"


class Api(NamedTuple):
    """One of the APIs that the form is about. `task` is the kind of its models: `ModelEntry.task`."""

    path: str  # below /api/v1
    label: str
    task: str
    roles: tuple[str, ...]  # of messages


APIS: Mapping[str, Api] = {
    api.path: api
    for api in (
        Api(CHAT, "Chat completions", "chat", ("user", "assistant", "tool", "system", "developer")),
        Api(MESSAGES, "Messages", "chat", ("user", "assistant", "tool")),
        Api(RESPONSES, "Responses", "chat", ("user", "assistant", "tool", "system", "developer")),
        Api(EMBEDDINGS, "Embeddings", "embeddings", ()),
    )
}


class Group(NamedTuple):
    """Fields under one heading. A collapsed one opens when a field of it is set."""

    name: str
    label: str
    help: str = ""
    collapsed: bool = True


GROUPS = (
    Group("prompt", "Prompt", collapsed=False),
    Group("output", "Output", collapsed=False),
    Group("more", "More about the output"),
    Group("sampling", "Sampling", "Empty fields use the provider's default."),
    Group("format", "Structured output", "JSON instead of text, and JSON by a schema."),
    Group("reasoning", "Reasoning"),
    Group("tools", "Tools", "Functions that the model may ask your app to call."),
    Group("providers", "Providers", "Your account's settings always apply. A request can be stricter than they are."),
    Group("routing", "Fallbacks and plugins"),
    Group("identity", "Users and metadata"),
    Group("app", "App attribution", "Headers that name your app in rankings."),
    Group("other", "Other fields"),
)


class Kind(Enum):
    """The values that a field takes, which decide its control."""

    TEXT = "one line of text"
    LONG = "lines of text"
    INTEGER = "a whole number"
    NUMBER = "a number"
    CHOICE = "one of some values"
    FLAG = "true, or nothing"
    NAMES = "names, separated by commas"
    LINES = "texts, one per line"
    OBJECT = "a JSON object"
    LIST = "a JSON list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `places` has its path in the request, with points, by API; an empty path: `bodies.py` places it."""

    name: str
    label: str
    kind: Kind
    group: str
    places: Mapping[str, str]
    help: str = ""
    parameter: str = ""  # its name in a model's `supported_parameters`; empty: every model takes it
    low: float | None = None
    high: float | None = None
    above: bool = False  # `low` itself is not allowed
    most: int | None = None  # items, or characters of a text
    default: str = ""  # the value that counts if the field is empty
    choices: tuple[tuple[str, str], ...] = field(default=())
    as_json: bool = False  # the values of `choices` are JSON


def everywhere(path: str) -> dict[str, str]:
    """The same place in every API."""
    return dict.fromkeys(APIS, path)


def texts(path: str) -> dict[str, str]:
    """The same place in the APIs that return text."""
    return dict.fromkeys((CHAT, MESSAGES, RESPONSES), path)


def named(*names: str) -> tuple[tuple[str, str], ...]:
    """Choices whose values are their own labels, after the default."""
    return (("", "Default"), *((name, name) for name in names))


YES_NO = (("", "Default"), ("true", "Yes"), ("false", "No"))
#: The APIs whose fields are OpenAI's.
OPENAI = (CHAT, RESPONSES)
