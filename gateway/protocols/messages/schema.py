"""The shape of a Messages request: what is checked of it. Fields that are not here are ignored. Pure."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

__all__ = [
    "Base64",
    "Block",
    "Blocks",
    "Body",
    "CacheControl",
    "Compaction",
    "DefinedTool",
    "Document",
    "Image",
    "Message",
    "NamedTool",
    "OutputConfig",
    "PlainText",
    "RedactedThinking",
    "Search",
    "SearchResult",
    "Text",
    "Thinking",
    "Tool",
    "ToolAddition",
    "ToolChoice",
    "ToolReference",
    "ToolRemoval",
    "ToolResult",
    "ToolUse",
    "Url",
]

CacheControl = dict[str, Any]


class Base64(msgspec.Struct, tag_field="type", tag="base64"):
    data: str
    media_type: str


class Url(msgspec.Struct, tag_field="type", tag="url"):
    url: str


class PlainText(msgspec.Struct, tag_field="type", tag="text"):
    data: str


class Text(msgspec.Struct, tag_field="type", tag="text"):
    text: str
    cache_control: CacheControl | None = None


class Image(msgspec.Struct, tag_field="type", tag="image"):
    source: Base64 | Url
    cache_control: CacheControl | None = None


class Blocks(msgspec.Struct, tag_field="type", tag="content"):
    content: str | list[Text | Image]


class Citations(msgspec.Struct):
    enabled: bool = False


class Document(msgspec.Struct, tag_field="type", tag="document"):
    source: Base64 | Url | PlainText | Blocks
    title: str | None = None
    context: str | None = None
    citations: Citations | None = None
    cache_control: CacheControl | None = None


class SearchResult(msgspec.Struct, tag_field="type", tag="search_result"):
    source: str
    title: str
    content: list[Text]
    cache_control: CacheControl | None = None


class Search(msgspec.Struct):
    """The `parameters` of a tool of type `openrouter:web_search`."""

    max_results: int | None = None
    allowed_domains: list[str] | None = None
    excluded_domains: list[str] | None = None


class Tool(msgspec.Struct):
    name: str = ""
    type: str | None = None
    parameters: Search | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None


class ToolUse(msgspec.Struct, tag_field="type", tag="tool_use"):
    id: str
    name: str
    input: Any = None
    cache_control: CacheControl | None = None


class ToolReference(msgspec.Struct, tag_field="type", tag="tool_reference"):
    """A tool that a search by the caller's program has found; `tools` declares it."""

    tool_name: str
    cache_control: CacheControl | None = None


class ToolResult(msgspec.Struct, tag_field="type", tag="tool_result"):
    tool_use_id: str
    content: str | list[Text | Image | Document | SearchResult | ToolReference] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None


class Thinking(msgspec.Struct, tag_field="type", tag="thinking"):
    thinking: str
    signature: str | None = None


class RedactedThinking(msgspec.Struct, tag_field="type", tag="redacted_thinking"):
    data: str


class ServerToolUse(msgspec.Struct, tag_field="type", tag="server_tool_use"):
    """A web search of an earlier turn. Its findings are in the text that follows."""


class WebSearchResult(msgspec.Struct, tag_field="type", tag="web_search_tool_result"):
    """As `ServerToolUse`."""


class NamedTool(msgspec.Struct, tag_field="type", tag="tool_reference"):
    name: str


class DefinedTool(msgspec.Struct, tag_field="type", tag="tool_definition"):
    definition: Tool


class ToolAddition(msgspec.Struct, tag_field="type", tag="tool_addition"):
    """From here on, the model may call this tool."""

    tool: NamedTool | DefinedTool


class ToolRemoval(msgspec.Struct, tag_field="type", tag="tool_removal"):
    """From here on, the model may no longer call this tool."""

    tool: NamedTool


class Compaction(msgspec.Struct, tag_field="type", tag="compaction"):
    """A summary that stands for all content before it; without a text, it has no meaning."""

    content: str | None = None


Block = (
    Text | Image | Document | SearchResult | ToolUse | ToolResult | Thinking | RedactedThinking
    | ServerToolUse | WebSearchResult | ToolAddition | ToolRemoval | Compaction
)  # fmt: skip


class Message(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[Block]

    @property
    def blocks(self) -> list[Block]:
        """The blocks of the content; none of a text."""
        return self.content if isinstance(self.content, list) else []


class ToolChoice(msgspec.Struct):
    type: Literal["auto", "any", "none", "tool"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ThinkingConfig(msgspec.Struct):
    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: Annotated[int, Meta(ge=1)] | None = None
    display: Literal["summarized", "omitted"] | None = None


class Format(msgspec.Struct):
    type: Literal["json_schema"]
    schema: dict[str, Any]


class OutputConfig(msgspec.Struct):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: Format | None = None


class Fallback(msgspec.Struct):
    model: str


class Metadata(msgspec.Struct):
    user_id: str | None = None


class Body(msgspec.Struct):
    messages: Annotated[list[Message], Meta(min_length=1)]
    system: str | list[Text] | None = None
    stop_sequences: list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    thinking: ThinkingConfig | None = None
    output_config: OutputConfig | None = None
    metadata: Metadata | None = None
    service_tier: str | None = None
    speed: Literal["fast", "standard"] | None = None
    fallbacks: Annotated[list[Fallback], Meta(max_length=3)] | None = None
    models: list[str] | None = None
    plugins: list[dict[str, Any]] | None = None
    mcp_servers: list[Any] | None = None
