"""Upstreams: the address and key at which an endpoint is called, at its provider or at the sandbox."""

import os
from functools import cache

import msgspec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from models_catalog.catalog import EndpointEntry

__all__ = ["KNOWN_PROTOCOLS", "Upstream", "clear", "upstream_of"]

#: The names of the modules in `gateway/providers` that speak a protocol.
KNOWN_PROTOCOLS = frozenset({"anthropic", "google", "openai_chat"})


class _Native(msgspec.Struct, frozen=True):
    """How a provider is reached in its own protocol."""

    protocol: str
    base_url: str  # used when the catalog has none
    other_keys: tuple[str, ...] = ()  # environment variables to look for a key in, after the one in the catalog


_NATIVE = {
    "anthropic": _Native("anthropic", "https://api.anthropic.com/v1"),
    "google-ai-studio": _Native("google", "https://generativelanguage.googleapis.com/v1beta", ("GOOGLE_API_KEY",)),
}


class Upstream(msgspec.Struct, frozen=True):
    """A server to send requests to. `protocol` is the name of a module in `gateway/providers`."""

    base_url: str
    api_key: str
    simulated: bool
    protocol: str = "openai_chat"


def upstream_of(endpoint: EndpointEntry) -> Upstream | None:
    """The server to call for this endpoint; None when there is neither a key nor a sandbox.

    The environment variables `PROVIDER_<SLUG>_BASE_URL`, `PROVIDER_<SLUG>_API_KEY` and `PROVIDER_<SLUG>_PROTOCOL`
    override a provider's address, key and protocol. Without them, the provider's own address is used if the variable
    of its key is set. Raises ImproperlyConfigured for an unknown protocol.
    """
    real = _real(endpoint.provider, endpoint.base_url, endpoint.key_variable)
    if real is not None and endpoint.provider_model_id:
        return real
    return _sandbox(endpoint.provider)


def clear() -> None:
    """Read the environment and the settings again at the next call."""
    _real.cache_clear()
    _sandbox.cache_clear()


@cache
def _real(provider: str, base_url: str, key_variable: str) -> Upstream | None:
    prefix = f"PROVIDER_{provider.upper().replace('-', '_')}"
    native = _NATIVE.get(provider)
    protocol = os.environ.get(f"{prefix}_PROTOCOL") or (native.protocol if native else "openai_chat")
    if protocol not in KNOWN_PROTOCOLS:
        known = ", ".join(sorted(KNOWN_PROTOCOLS))
        raise ImproperlyConfigured(f"{prefix}_PROTOCOL must be one of {known}, not {protocol!r}.")
    if native and protocol == native.protocol:
        # The catalog may have the address of the provider's OpenAI-compatible API, which extends that of its own API.
        base_url = base_url.rstrip("/").removesuffix("/openai") or native.base_url
    address = os.environ.get(f"{prefix}_BASE_URL") or base_url
    key_variables = (f"{prefix}_API_KEY", key_variable, *(native.other_keys if native else ()))
    key = next((key for name in key_variables if name and (key := os.environ.get(name, ""))), "")
    if not address or not (key or f"{prefix}_BASE_URL" in os.environ):
        return None
    return Upstream(address.rstrip("/"), key, simulated=_is_sandbox(address), protocol=protocol)


@cache
def _sandbox(provider: str) -> Upstream | None:
    if not settings.SANDBOX_PROVIDERS_URL:
        return None
    return Upstream(f"{settings.SANDBOX_PROVIDERS_URL}/{provider}/v1", "sandbox", simulated=True)


def _is_sandbox(address: str) -> bool:
    # An environment variable may name the sandbox as well: its responses must be marked as simulated.
    return bool(settings.SANDBOX_PROVIDERS_URL) and address.startswith(f"{settings.SANDBOX_PROVIDERS_URL}/")
