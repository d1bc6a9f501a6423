"""Upstreams: the address and key at which an endpoint is called, at its provider or at the sandbox."""

import logging
import os
from functools import cache, lru_cache

import msgspec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from common import encryption
from keys.provider_keys.using import OwnKey
from models_catalog.catalog import EndpointEntry, KeyEntry
from models_catalog.models import Provider

from .provider_keys import ENVIRONMENT, Key

__all__ = [
    "KNOWN_PROTOCOLS",
    "Upstream",
    "clear",
    "environment_key",
    "is_configured",
    "is_reachable",
    "own_upstream",
    "upstream_of",
    "upstream_of_customer",
    "upstream_of_key",
]

log = logging.getLogger(__name__)

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
    """A server to send requests to. `protocol` is the name of a module in `gateway/providers`.

    `api_key` is the key to use, with the ID `key_id`; `others` are the provider's further keys. Neither is in the repr.
    `own` is the customer's key, if that is the one to use.
    """

    base_url: str
    api_key: str
    simulated: bool
    protocol: str = "openai_chat"
    key_id: int = ENVIRONMENT
    weight: int = 1
    others: tuple[Key, ...] = ()
    own: OwnKey | None = None

    def __repr__(self) -> str:
        return f"Upstream({self.base_url!r}, key {self.key_id}, {self.protocol})"

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys of the provider."""
        return (Key(self.key_id, self.api_key, self.weight), *self.others)

    def ring_name(self, provider: str) -> str:
        """The name under which its keys cool down: the provider's, or that of the customer's key alone."""
        return f"own key {self.own.id}.{self.own.version}" if self.own else provider

    def with_key(self, key: Key) -> "Upstream":
        """The same server, to be called with this key."""
        return (
            self
            if key.id == self.key_id
            else Upstream(self.base_url, key.secret, self.simulated, self.protocol, key.id, key.weight)
        )


def upstream_of(endpoint: EndpointEntry) -> Upstream | None:
    """The server to call for this endpoint; None when there is neither a key nor a sandbox.

    The environment variables `PROVIDER_<SLUG>_BASE_URL`, `PROVIDER_<SLUG>_API_KEY` and `PROVIDER_<SLUG>_PROTOCOL`
    override a provider's address, key and protocol. Without them, the provider's own address is used if the variable
    of its key is set, if an operator has given it a key, or if it needs none. Raises ImproperlyConfigured for an
    unknown protocol.
    """
    real = _real(endpoint.provider, endpoint.base_url, endpoint.key_variable, endpoint.keys, endpoint.requires_key)
    if real is not None and endpoint.provider_model_id:
        return real
    return _sandbox(endpoint.provider)


def own_upstream(endpoint: EndpointEntry, own: OwnKey) -> Upstream | None:
    """The provider's own server, to be called with a customer's key; None when its address or model is not known."""
    if not endpoint.provider_model_id or endpoint.unlisted:
        return None
    protocol, address = _address(endpoint.provider, endpoint.base_url)
    if not address:
        return None
    return Upstream(address, own.secret, _is_sandbox(address), protocol, own=own)


def upstream_of_customer(provider: str, base_url: str, secret: str) -> Upstream | None:
    """The provider's own server, to test a customer's key; None when its address is not known."""
    protocol, address = _address(provider, base_url)
    return Upstream(address, secret, _is_sandbox(address), protocol) if address else None


def is_reachable(provider: str, base_url: str) -> bool:
    """Whether the address of the provider's own server is known."""
    return bool(_address(provider, base_url)[1])


def is_configured(endpoint: EndpointEntry) -> bool:
    """Whether there is a server to call for this endpoint."""
    try:
        return upstream_of(endpoint) is not None
    except ImproperlyConfigured as error:
        log.error("%s", error)
        return False


def clear() -> None:
    """Read the environment and the settings again at the next call."""
    _real.cache_clear()
    _address.cache_clear()
    _sandbox.cache_clear()


def upstream_of_key(provider: Provider, key_id: int) -> Upstream | None:
    """The provider's own server, to be called with one of its keys, turned on or not; None without address or key."""
    entries = tuple(KeyEntry(key.pk, key.weight, key.secret) for key in provider.keys.filter(pk=key_id))
    found = _real(provider.slug, provider.base_url, provider.key_variable, entries, provider.requires_key)
    key = next((key for key in found.keys if key.id == key_id), None) if found else None
    return found.with_key(key) if found and key else None


def environment_key(provider: str, key_variable: str) -> tuple[str, str]:
    """(the environment variable that holds the provider's key, the key); both are empty when none is set."""
    native = _NATIVE.get(provider)
    names = (f"{_prefix(provider)}_API_KEY", key_variable, *(native.other_keys if native else ()))
    return next(((name, key) for name in names if name and (key := os.environ.get(name, ""))), ("", ""))


def _prefix(provider: str) -> str:
    return f"PROVIDER_{provider.upper().replace('-', '_')}"


@lru_cache(maxsize=1000)  # bounded: a new key or address makes a new entry
def _real(
    provider: str, base_url: str, key_variable: str, entries: tuple[KeyEntry, ...], requires_key: bool
) -> Upstream | None:
    protocol, address = _address(provider, base_url)
    _, in_environment = environment_key(provider, key_variable)
    keys = ([Key(ENVIRONMENT, in_environment)] if in_environment else []) + _decrypted(provider, entries)
    if not keys and (not requires_key or f"{_prefix(provider)}_BASE_URL" in os.environ):
        keys = [Key(ENVIRONMENT, "")]
    if not address or not keys:
        return None
    first, *others = keys
    return Upstream(address, first.secret, _is_sandbox(address), protocol, first.id, first.weight, tuple(others))


@lru_cache(maxsize=1000)
def _address(provider: str, base_url: str) -> tuple[str, str]:
    """(the protocol, the address) of the provider's own server; the address is empty when it is not known."""
    prefix = _prefix(provider)
    native = _NATIVE.get(provider)
    protocol = os.environ.get(f"{prefix}_PROTOCOL") or (native.protocol if native else "openai_chat")
    if protocol not in KNOWN_PROTOCOLS:
        known = ", ".join(sorted(KNOWN_PROTOCOLS))
        raise ImproperlyConfigured(f"{prefix}_PROTOCOL must be one of {known}, not {protocol!r}.")
    if native and protocol == native.protocol:
        # The catalog may have the address of the provider's OpenAI-compatible API, which extends that of its own API.
        base_url = base_url.rstrip("/").removesuffix("/openai") or native.base_url
    return protocol, (os.environ.get(f"{prefix}_BASE_URL") or base_url).rstrip("/")


def _decrypted(provider: str, entries: tuple[KeyEntry, ...]) -> list[Key]:
    """The keys that can be read; the others are logged by their ID."""
    keys = []
    for entry in entries:
        try:
            keys.append(Key(entry.id, encryption.decrypt(entry.secret), entry.weight))
        except encryption.Undecryptable as error:
            log.error("key %d of %s is not used: it was %s. Enter it again in the admin.", entry.id, provider, error)
    return keys


@cache
def _sandbox(provider: str) -> Upstream | None:
    if not settings.SANDBOX_PROVIDERS_URL:
        return None
    return Upstream(f"{settings.SANDBOX_PROVIDERS_URL}/{provider}/v1", "sandbox", simulated=True)


def _is_sandbox(address: str) -> bool:
    # An environment variable may name the sandbox as well: its responses must be marked as simulated.
    return bool(settings.SANDBOX_PROVIDERS_URL) and address.startswith(f"{settings.SANDBOX_PROVIDERS_URL}/")
