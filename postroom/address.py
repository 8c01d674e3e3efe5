"""Where the servers of the shell may listen: on this machine only, on a port nobody has."""

import errno
import ipaddress
import socket
from contextlib import closing

from postroom.errors import AddressRefused


def free_port(preferred: int = 0) -> int:
    """A port of this machine that nobody listens on.

    Args:
        preferred: The first to try, then those after it; 0 leaves the choice to the system.

    Returns:
        The port; another process may take it before the caller does.
    """
    for port in range(preferred, preferred + 100) if preferred else (0,):
        try:
            with closing(_bound("127.0.0.1", port)) as listener:
                return int(listener.getsockname()[1])
        except OSError:
            continue
    return free_port()


def loopback_listener(host: str, port: int) -> socket.socket:
    """A socket bound to this machine only: what serves on it has no login of its own.

    Args:
        host: `localhost` or a loopback address.
        port: 1 to 65535, or 0 for any.

    Raises:
        AddressRefused: If others could reach the host; as `listener`.
    """
    if not is_loopback(host):
        raise AddressRefused(
            f"{host} can be reached by others, and this process asks nobody for a password.",
            field="--host",
            remedy="Use 127.0.0.1, and let a proxy with a login forward to it.",
        )
    return listener(host, port)


def listener(host: str, port: int) -> socket.socket:
    """A socket bound to an address, whoever can reach it.

    Args:
        host: A name or an address of this machine; `0.0.0.0` for all of them.
        port: 1 to 65535, or 0 for any.

    Raises:
        AddressRefused: If the port is taken, or the address is none of this machine's.
    """
    try:
        return _bound(host, port)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        raise AddressRefused(
            f"Port {port} of {host} {'is taken' if taken else 'cannot be used'}: {error.strerror}.",
            field="--port",
            remedy="Give another with --port, or end the process that has it.",
        ) from error


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only.

    Args:
        host: A name or an address; of the names only `localhost` is trusted.
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    # So that a restart does not wait for the connections of its predecessor to expire.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
