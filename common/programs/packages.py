"""The packages of OpenAI and Anthropic: which calls they have, and which fields of a request these take."""

from typing import NamedTuple

__all__ = ["PACKAGES", "Package"]


class Package(NamedTuple):
    """One call of a package. The same names are used in Python and TypeScript."""

    package: str  # to import
    client: str  # the class
    call: str  # the method, below the client
    fields: frozenset[str]  # its arguments in Python; any other field goes into `extra_body`
    whole: tuple[str, str]  # (Python, TypeScript) expressions of a whole reply, `reply`
    piece: tuple[str, str]  # the same of an event of a stream, `event`; always a string
    calls: tuple[str, str]  # where the calls of tools stand
    base: str = "/api/v1"  # the path of its base URL


def _names(names: str) -> frozenset[str]:
    return frozenset(names.split())


PACKAGES = {
    "chat/completions": Package(
        "openai", "OpenAI", "chat.completions.create",
        _names(
            "messages model frequency_penalty logit_bias logprobs max_completion_tokens max_tokens metadata "
            "modalities n parallel_tool_calls prediction presence_penalty prompt_cache_key reasoning_effort "
            "response_format safety_identifier seed service_tier stop stream temperature tool_choice tools "
            "top_logprobs top_p user verbosity web_search_options"
        ),
        ("reply.choices[0].message.content", "reply.choices[0].message.content"),
        (
            '"".join(choice.delta.content or "" for choice in event.choices)',
            'event.choices[0]?.delta.content ?? ""',
        ),
        ("reply.choices[0].message", "reply.choices[0].message"),
    ),
    "responses": Package(
        "openai", "OpenAI", "responses.create",
        _names(
            "include input instructions max_output_tokens max_tool_calls metadata model parallel_tool_calls "
            "prompt_cache_key reasoning safety_identifier service_tier stream temperature text tool_choice tools "
            "top_logprobs top_p truncation user"
        ),
        ("reply.output_text", "reply.output_text"),
        (
            'event.delta if event.type == "response.output_text.delta" else ""',
            'event.type === "response.output_text.delta" ? event.delta : ""',
        ),
        ("reply.output", "reply.output"),
    ),
    "embeddings": Package(
        "openai", "OpenAI", "embeddings.create",
        _names(
            "input model dimensions encoding_format user"
        ),
        ("len(reply.data[0].embedding)", "reply.data[0].embedding.length"),
        ("", ""),
        ("", ""),
    ),
    "messages": Package(
        "anthropic", "Anthropic", "messages.create",
        _names(
            "max_tokens messages model metadata output_config service_tier stop_sequences stream system "
            "thinking tool_choice tools"
        ),
        (
            '"".join(block.text for block in reply.content if block.type == "text")',
            'reply.content.map((block) => (block.type === "text" ? block.text : "")).join("")',
        ),
        (
            'event.delta.text if event.type == "content_block_delta" and event.delta.type == "text_delta" else ""',
            'event.type === "content_block_delta" && event.delta.type === "text_delta" ? event.delta.text : ""',
        ),
        ("reply.content", "reply.content"),
        base="/api",
    ),
}  # fmt: skip
