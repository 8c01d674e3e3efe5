import socket
from contextlib import closing

import pytest

from postroom.address import free_port, is_loopback, loopback_listener
from postroom.errors import AddressRefused


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_addresses_of_this_machine_are_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "192.168.1.5", "example.com", "", "127.0.0.1.example.com"]
)
def test_everything_else_is_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_a_host_others_can_reach_is_refused(host: str) -> None:
    with pytest.raises(AddressRefused, match="can be reached by others") as caught:
        loopback_listener(host, 0)

    assert caught.value.field == "--host"


def test_a_port_that_is_taken_is_refused() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]

        with pytest.raises(AddressRefused, match=f"Port {port} of 127.0.0.1 is taken") as caught:
            loopback_listener("127.0.0.1", port)

    assert caught.value.field == "--port"


def test_the_next_free_port_follows_the_preferred_one() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = other.getsockname()[1]

        assert taken < free_port(taken) <= taken + 100


def test_a_free_preferred_port_is_taken() -> None:
    preferred = free_port()

    assert free_port(preferred) == preferred
