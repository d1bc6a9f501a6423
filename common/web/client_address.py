"""The client's address behind proxies. This is the only place that reads `X-Forwarded-For` and `X-Forwarded-Proto`.

Any sender can write these headers, so they count only if they come from a proxy that `TRUSTED_PROXIES` names. The
middleware then sets the ASGI scope's `client` and `scheme`, from which Django, Starlette, Channels and the server's
access log take theirs, and removes the headers.
"""

import ipaddress
import logging
import re
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Address", "ForwardedClient", "Network", "client_of", "parse_address"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

logger = logging.getLogger(__name__)

#: "192.0.2.1", "192.0.2.1:443", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443".
_WITH_PORT = re.compile(r"\[([^\[\]]+)\](?::\d+)?|([^:]+):\d+")
#: Peers per process that the log names as possible proxies: a visitor can send the header too.
_NAMED_PEERS = 8


def parse_address(text: str) -> Address | None:
    """Return the address in `text`, without port and brackets; None if there is none."""
    text = text.strip()
    if found := _WITH_PORT.fullmatch(text):
        text = found[1] or found[2]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def client_of(peer: Address, forwarded_for: str, trusted: Sequence[Network]) -> Address:
    """Return the address that the nearest trusted proxies vouch for.

    Each proxy appends the address it was called from, so the list is read from its end: up to the first address that
    is not a trusted proxy. A malformed entry ends the reading, and the proxy that passed it on counts as the client.
    """
    address = peer
    for entry in reversed(forwarded_for.split(",")):
        if not _is_in(address, trusted) or (earlier := parse_address(entry)) is None:
            break
        address = earlier
    return address


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


class ForwardedClient:
    """ASGI middleware that puts the client's address and scheme into the scope and removes `X-Forwarded-*`."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self.app = app
        self.trusted = trusted
        self._named: set[Address] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and any(name.startswith(b"x-forwarded-") for name, _ in scope["headers"]):
            self._read(scope)
        await self.app(scope, receive, send)

    def _read(self, scope: Scope) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        scope["headers"] = [pair for pair in headers if not pair[0].startswith(b"x-forwarded-")]
        peer = parse_address(scope["client"][0]) if scope.get("client") else None
        if peer is None:
            return
        proto = _value(headers, b"x-forwarded-proto").partition(",")[0].strip().lower()
        if _is_in(peer, self.trusted):
            if forwarded_for := _value(headers, b"x-forwarded-for"):
                scope["client"] = (str(client_of(peer, forwarded_for, self.trusted)), 0)
            if proto in {"http", "https"}:
                scope["scheme"] = proto.replace("http", "ws") if scope["type"] == "websocket" else proto
        elif proto == "https" and scope.get("scheme") in {"http", "ws"}:
            self._name(peer)

    def _name(self, peer: Address) -> None:
        """Log, once per peer, that its header was ignored, and the remedy."""
        if peer in self._named or len(self._named) >= _NAMED_PEERS:
            return
        self._named.add(peer)
        logger.warning(
            "Ignored X-Forwarded-Proto and X-Forwarded-For from %s. If this is the address of your proxy, set "
            "TRUSTED_PROXIES=%s; until then, pages behind it redirect to https without end.",
            peer,
            peer,
        )


def _value(headers: list[tuple[bytes, bytes]], wanted: bytes) -> str:
    """Return a header's values, joined as one list."""
    return ", ".join(value.decode("latin-1") for name, value in headers if name == wanted)
