"""Opens the connection of a webhook, to the very address that was judged."""

import ipaddress
import socket
from collections.abc import Iterator


def open_socket(host: str, port: int, *, timeout: float, private: bool) -> socket.socket:
    """Connect to a host by one of its addresses that is allowed.

    The name is looked up once, so that it cannot lead elsewhere after it was judged.

    Args:
        host: A name or an address.
        port: 1 to 65535.
        timeout: Seconds for each address, and for each answer afterwards.
        private: Whether addresses that the internet does not know are allowed.

    Returns:
        The socket.

    Raises:
        PermissionError: If no address is allowed.
        OSError: If none can be reached.
    """
    found = list(_addresses(host, port))
    allowed = [address for address in found if is_allowed(address, private=private)]
    if not allowed:
        raise PermissionError(f"{host} is at an address where no webhook may be")
    for address in allowed[:-1]:
        try:
            return socket.create_connection((address, port), timeout)
        except OSError:
            continue
    return socket.create_connection((allowed[-1], port), timeout)


def is_allowed(address: str, *, private: bool) -> bool:
    """Whether a webhook may be there.

    Link-local addresses never are: cloud providers hand out credentials there.

    Args:
        address: An IPv4 or IPv6 address.
        private: Whether loopback and private addresses are allowed.
    """
    known = ipaddress.ip_address(address)
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped:
        known = known.ipv4_mapped
    if known.is_link_local or known.is_multicast or known.is_unspecified:
        return False
    return private or known.is_global


def _addresses(host: str, port: int) -> Iterator[str]:
    for *_, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        yield str(where[0])
