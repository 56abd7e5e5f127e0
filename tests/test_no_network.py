"""The tests stay on this machine, and one that does not fails."""

import asyncio
import socket

import pytest

refused = pytest.raises(pytest.fail.Exception, match="must not use the network")
# Reserved for documentation: no machine has it.
ADDRESS = ("192.0.2.1", 9)


def test_connections_are_refused():
    with socket.socket() as connection:
        with refused:
            connection.connect(ADDRESS)
        with refused:
            connection.connect_ex(ADDRESS)
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams, refused:
        datagrams.sendto(b"", ADDRESS)


def test_names_are_not_looked_up():
    with refused:
        socket.getaddrinfo("pa-ringbuffer.invalid", 80)
    with refused:
        socket.gethostbyname("pa-ringbuffer.invalid")


def test_catching_errors_does_not_hide_it():
    async def stubborn():
        try:
            await asyncio.open_connection(*ADDRESS)
        except Exception:
            pytest.fail("it was caught")

    with refused:
        asyncio.run(stubborn())


def test_this_machine_can_be_reached():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        for host in "127.0.0.1", "localhost":
            with socket.create_connection((host, server.getsockname()[1]), timeout=10):
                pass
