"""Fallbacks, plugins, and fields that describe the sender."""

from .shapes import CHAT, EMBEDDINGS, MESSAGES, OPENAI, RESPONSES, YES_NO, Field, Kind, everywhere, named, texts

__all__ = ["APP", "IDENTITY", "OTHER", "ROUTING"]

ROUTING = (
    Field(
        name="models",
        label="Fallback models",
        kind=Kind.LINES,
        group="routing",
        places=everywhere("models"),
        most=50,
        help="IDs, one per line. Tried in order when the model above fails.",
    ),
    Field(
        name="web",
        label="Search the web",
        kind=Kind.FLAG,
        group="routing",
        places=texts(""),
        help="A plugin searches before the model responds. Each search is billed.",
    ),
    Field(
        name="web_results",
        label="Search results",
        kind=Kind.INTEGER,
        group="routing",
        low=1,
        high=10,
        default="5",
        places=texts(""),
        help="At most, for the web search.",
    ),
    Field(
        name="search_context",
        label="Built-in search",
        kind=Kind.CHOICE,
        group="routing",
        parameter="web_search_options",
        choices=named("low", "medium", "high"),
        places={CHAT: "web_search_options.search_context_size"},
        help="How much a model that searches by itself reads.",
    ),
    Field(
        name="compression",
        label="Context compression",
        kind=Kind.CHOICE,
        group="routing",
        choices=YES_NO,
        as_json=True,
        places=texts(""),
        help="Drops the middle of a prompt that is too long for the model.",
    ),
    Field(
        name="service_tier",
        label="Service tier",
        kind=Kind.CHOICE,
        group="routing",
        choices=named("auto", "default", "flex", "priority"),
        places=dict.fromkeys(OPENAI, "service_tier"),
        help="Flex is cheaper and slower, priority the opposite.",
    ),
    Field(
        name="preset",
        label="Preset",
        kind=Kind.TEXT,
        group="routing",
        places=everywhere("preset"),
        most=64,
        help="The slug of one of your presets, whose fields complete this request.",
    ),
)

IDENTITY = (
    Field(
        name="user",
        label="User",
        kind=Kind.TEXT,
        group="identity",
        most=256,
        help="An ID of your app's user. Providers get a pseudonym.",
        places={CHAT: "user", RESPONSES: "user", EMBEDDINGS: "user", MESSAGES: "metadata.user_id"},
    ),
    Field(
        name="session_id",
        label="Session",
        kind=Kind.TEXT,
        group="identity",
        most=256,
        places=everywhere("session_id"),
        help="An ID that groups requests and keeps them at one provider.",
    ),
    Field(
        name="prompt_cache_key",
        label="Prompt cache key",
        kind=Kind.TEXT,
        group="identity",
        most=1024,
        places=dict.fromkeys(OPENAI, "prompt_cache_key"),
        help="Requests with the same key share a provider's cache.",
    ),
    Field(
        name="metadata",
        label="Metadata",
        kind=Kind.OBJECT,
        group="identity",
        places=dict.fromkeys(OPENAI, "metadata"),
        help='Up to 16 texts, for example {"order": "42"}.',
    ),
)

APP = (
    Field(
        name="referer",
        label="Site URL",
        kind=Kind.TEXT,
        group="app",
        places=everywhere(""),
        most=200,
        help="Sent as HTTP-Referer.",
    ),
    Field(
        name="title",
        label="App name",
        kind=Kind.TEXT,
        group="app",
        places=everywhere(""),
        most=100,
        help="Sent as X-Title.",
    ),
)

OTHER = (
    Field(
        name="other",
        label="More JSON",
        kind=Kind.OBJECT,
        group="other",
        places=everywhere(""),
        help="A JSON object with any other fields of the request.",
    ),
)
