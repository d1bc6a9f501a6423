"""Which IP addresses the site itself may connect to, for URLs that others choose.

The check is made where a socket is created, on its numeric IP address: whatever spelling, name, name server or redirect
led there, the address that was checked is the address that is connected to.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from django.conf import settings

__all__ = ["NotPublic", "may_connect_to", "socket_for"]

#: IPv4 addresses as IPv6-only networks write them.
_NAT64 = IPv6Network("64:ff9b::/96")


class NotPublic(Exception):
    """The IP address is not public. Not an OSError: aiohttp would try the host's next address and lose the reason."""


def socket_for(address_info: tuple[Any, ...]) -> socket.socket:
    """A socket for a connection to this address, as aiohttp's `socket_factory`. Raises NotPublic."""
    family, kind, protocol, _, address = address_info
    if not may_connect_to(ip_address(address[0])):
        raise NotPublic
    return socket.socket(family, kind, protocol)


def may_connect_to(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address is public, or in a network of `FETCH_ALLOWED_NETWORKS`.

    An IPv4 address inside an IPv6 address is checked as an IPv4 address.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return may_connect_to(address.ipv4_mapped)
        if address in _NAT64:
            return may_connect_to(IPv4Address(int(address) & 0xFFFF_FFFF))
    if any(address in ip_network(allowed) for allowed in settings.FETCH_ALLOWED_NETWORKS):
        return True
    if isinstance(address, IPv6Address) and (address.sixtofour or address.teredo or address.is_site_local):
        return False  # a tunnel may end in any network
    return address.is_global and not (address.is_multicast or address.is_reserved)
