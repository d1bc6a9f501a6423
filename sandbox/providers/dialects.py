"""The differences between providers that all claim to speak the same protocol.

Every provider speaks one of the named dialects below; `X-Sandbox-Dialect: <name>` asks for another one.
"""

import hashlib
from functools import cache

import msgspec

__all__ = ["DIALECTS", "Dialect", "dialect_of"]


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    # Where the usage of a stream is: "separate" chunk with empty choices, "with-finish", "every" chunk
    # (growing), "in-choice" (inside choices[0] of the last chunk, and in a chunk of its own when asked for).
    usage: str = "separate"
    usage_always: bool = False  # also without stream_options.include_usage
    usage_style: str = "details"  # or "hit-miss" or "flat": other names for cached tokens; "text": numbers as text
    role: str = "own"  # chunk for the role, "first" (with the first token), "every" chunk, "never"
    finish: dict[str, str] = msgspec.field(default_factory=dict)  # own words for stop, length, tool_calls
    ids: str = "chatcmpl-"  # prefix; empty: no id at all
    reasoning: str = "reasoning_content"
    null_content: bool = False  # content: null in chunks without text, and beside tool calls
    empty_deltas: int = 0  # an empty delta after every so many tokens
    comments: int = 0  # a keep-alive comment first, and after every so many tokens
    whole_arguments: bool = False  # a tool call arrives in one chunk
    call_id_length: int = 0  # ids of tool calls have so many letters; 0: as many as usual
    line_end: str = "\n"
    data: str = "data: "
    split: bool = False  # packets end in the middle of lines and of characters
    fingerprint: str = ""  # system_fingerprint of every chunk
    errors: str = "openai"  # or "message", "detail", "text", "html", "list", "flat"


_ALL = (
    Dialect(name="plain", fingerprint="fp_5a4db0c5"),
    Dialect(name="reasoning-word", reasoning="reasoning", usage="with-finish", role="first"),
    Dialect(name="cumulative", usage="every", usage_always=True, role="every", errors="detail"),
    Dialect(
        name="hit-miss", usage="with-finish", usage_always=True, usage_style="hit-miss", comments=40, null_content=True
    ),
    Dialect(name="in-choice", usage="in-choice", usage_style="flat", ids="", errors="flat"),
    Dialect(
        name="whole-calls",
        usage="with-finish",
        usage_always=True,
        whole_arguments=True,
        call_id_length=9,
        role="first",
        ids="",
        errors="flat",
    ),
    Dialect(
        name="shouting",
        usage="every",
        whole_arguments=True,
        finish={"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP"},
        role="every",
        line_end="\r\n",
        errors="list",
    ),
    Dialect(
        name="turns",
        finish={"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"},
        reasoning="reasoning",
        null_content=True,
        comments=60,
    ),
    Dialect(
        name="end-of-sequence",
        finish={"stop": "eos"},
        empty_deltas=7,
        usage="with-finish",
        role="never",
        errors="message",
    ),
    Dialect(name="tight", data="data:", empty_deltas=11, role="first", errors="message"),
    Dialect(name="carriage", line_end="\r\n", comments=25, usage_always=True, errors="text"),
    Dialect(name="splitting", split=True, reasoning="reasoning", errors="html", null_content=True),
)
DIALECTS = {dialect.name: dialect for dialect in _ALL}

_KNOWN = {
    "openai": "plain",
    "azure": "plain",
    "groq": "reasoning-word",
    "cerebras": "reasoning-word",
    "fireworks": "tight",
    "deepseek": "hit-miss",
    "moonshotai": "in-choice",
    "mistral": "whole-calls",
    "google-ai-studio": "shouting",
    "google-vertex": "shouting",
    "anthropic": "turns",
    "amazon-bedrock": "turns",
    "together": "end-of-sequence",
    "perplexity": "cumulative",
    "xai": "plain",
}


@cache
def dialect_of(provider: str) -> Dialect:
    """The dialect that `provider` speaks: always the same one."""
    known = DIALECTS.get(_KNOWN.get(provider, ""))
    if known:
        return known
    digest = hashlib.blake2b(provider.encode(), digest_size=4).digest()
    return _ALL[int.from_bytes(digest) % len(_ALL)]
