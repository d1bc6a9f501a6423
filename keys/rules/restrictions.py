"""Restrictions of a key beside its spend limit: addresses, models and rates. Reading what people enter, and the result.

`status.py` decides with them, `rates.py` counts.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from common.naming.model_lists import is_entry, is_listed, problem_with
from common.web.client_address import Network
from keys.models import ApiKey

__all__ = ["MAX_ENTRIES", "Restrictions", "model_names", "networks", "restrictions_of"]

#: Addresses, and models, that a key may list.
MAX_ENTRIES = 100
_IPV4_IN_IPV6 = ipaddress.IPv6Network("::ffff:0:0/96")


@dataclass(frozen=True, slots=True)
class Restrictions:
    """How a key may be used. An empty value or None restricts nothing."""

    key_id: int
    networks: tuple[Network, ...] = ()
    models: frozenset[str] = frozenset()
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None

    def allows_model(self, model_id: str) -> bool:
        """Return whether the key may use the model, given by its ID."""
        return not self.models or is_listed(model_id, self.models)


def restrictions_of(key: ApiKey) -> Restrictions | None:
    """Return the key's restrictions; None without any. Its requests at the same time are counted in admission."""
    if not (key.allowed_ips or key.allowed_models or key.requests_per_minute or key.tokens_per_minute):
        return None
    return Restrictions(
        key_id=key.pk,
        networks=tuple(ipaddress.ip_network(each) for each in key.allowed_ips),
        models=frozenset(key.allowed_models),
        requests_per_minute=key.requests_per_minute,
        tokens_per_minute=key.tokens_per_minute,
    )


def networks(texts: Iterable[str]) -> list[str]:
    """Return addresses and CIDR ranges in their standard form, each once. Raises ValueError that says what is wrong."""
    found = dict.fromkeys(str(_network(text)) for each in texts if (text := each.strip()))
    return _few(found, "addresses")


def model_names(texts: Iterable[str]) -> list[str]:
    """Return model IDs and `author/*` in lower case, each once. Raises ValueError that says what is wrong."""
    found = dict.fromkeys(text for each in texts if (text := each.strip().lower()))
    if problem := problem_with(found, is_entry):  # the model may come later
        raise ValueError(problem)
    return _few(found, "models")


def _few(found: dict[str, None], things: str) -> list[str]:
    if len(found) > MAX_ENTRIES:
        raise ValueError(f"Enter at most {MAX_ENTRIES} {things}.")
    return list(found)


def _network(text: str) -> Network:
    try:
        wide = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(
            f"“{text[:80]}” isn't an IP address or range. Enter, for example, 203.0.113.7 or 2001:db8::/32."
        ) from error
    if "/" in text and wide.network_address != ipaddress.ip_address(text.partition("/")[0]):
        raise ValueError(f"“{text[:80]}” isn't the start of its range. Did you mean {wide}?")
    if isinstance(wide, ipaddress.IPv6Network) and wide.subnet_of(_IPV4_IN_IPV6):
        return ipaddress.IPv4Network((int(wide.network_address) & 0xFFFFFFFF, wide.prefixlen - 96))
    return wide
