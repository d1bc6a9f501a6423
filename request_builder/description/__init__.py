"""The one description of the request builder's fields: the form, the request and the help are made from it.

Messages, the system prompt, schemas, plugins and headers have shapes of their own: `bodies.py` builds them.
"""

from .abilities import FORMAT, REASONING, TOOLS
from .prompt import OUTPUT, PROMPT
from .providers import PROVIDERS
from .routing import APP, IDENTITY, OTHER, ROUTING
from .sampling import SAMPLING
from .shapes import APIS, CHAT, EMBEDDINGS, GROUPS, MESSAGES, RESPONSES, Api, Field, Group, Kind

__all__ = [
    "APIS",
    "CHAT",
    "EMBEDDINGS",
    "FIELDS",
    "GROUPS",
    "MESSAGES",
    "RESPONSES",
    "Api",
    "Field",
    "Group",
    "Kind",
    "fields_of",
]

FIELDS = (
    *PROMPT, *OUTPUT, *SAMPLING, *FORMAT, *REASONING, *TOOLS, *PROVIDERS, *ROUTING, *IDENTITY, *APP, *OTHER,
)  # fmt: skip


def fields_of(api: str) -> list[Field]:
    """The fields of an API, in the order of the form."""
    return [each for each in FIELDS if api in each.places]
