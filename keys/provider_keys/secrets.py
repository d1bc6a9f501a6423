"""Checking a provider's key before it is stored: its form, and whether it is plainly that of another provider."""

import re

from django.views.decorators.debug import sensitive_variables

from common.errors import InvalidRequest

__all__ = ["checked", "label_of"]

MAX_LENGTH = 1000

#: Prefixes that only one provider's keys have, the longest first where one begins with another.
_PREFIXES = (
    ("sk-ant-", "anthropic", "Anthropic"),
    ("sk-or-v1-", "openrouter", "this site and OpenRouter"),
    ("sk-proj-", "openai", "OpenAI"),
    ("sk-svcacct-", "openai", "OpenAI"),
    ("tgp_v1_", "together", "Together"),
    ("AIza", "google-ai-studio", "Google AI Studio"),
    ("gsk_", "groq", "Groq"),
    ("xai-", "xai", "xAI"),
    ("pplx-", "perplexity", "Perplexity"),
    ("fw_", "fireworks", "Fireworks"),
    ("csk-", "cerebras", "Cerebras"),
    ("nvapi-", "nvidia", "NVIDIA"),
)


@sensitive_variables()
def checked(secret: str, provider: str) -> str:
    """Return a provider's key without the blanks around it. Raises InvalidRequest that never repeats the key."""
    key = secret.strip()
    if not key:
        raise InvalidRequest("Enter the provider's key.")
    if re.search(r"\s", key):
        raise InvalidRequest("The key has spaces or line breaks inside. Paste it again, as one line.")
    if not key.isascii() or not key.isprintable():
        raise InvalidRequest("A key has letters, digits and signs only. Copy it again from the provider.")
    if len(key) > MAX_LENGTH:
        raise InvalidRequest(f"A key has at most {MAX_LENGTH:,} characters. Copy only the key.")
    for prefix, owner, name in _PREFIXES:
        if key.startswith(prefix):
            if owner != provider:
                raise InvalidRequest(f"Keys that start with {prefix} belong to {name}. Choose the key's own provider.")
            break
    return key


@sensitive_variables()
def label_of(secret: str) -> str:
    """Return the part of a key that may be shown: its last four characters; of a short key, none."""
    return f"...{secret[-4:]}" if len(secret) >= 12 else "..."
