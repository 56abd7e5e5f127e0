"""No test needs the network: a test that uses it fails with a message.

This machine is not the network: Unix sockets, loopback addresses and `localhost` are allowed. The
programs that tests start are not watched; CONTRIBUTING.md has a command that takes the network from
them, too.
"""

import ipaddress
import socket

import pytest


def _is_name(host):
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


def refuse(event, arguments):
    """An audit hook: it sees whatever goes through Python's sockets, asyncio included.

    Only a name that is given to `connect()` has been looked up when the hook hears of it.
    """
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        opened, address = arguments
        if opened.family not in (socket.AF_INET, socket.AF_INET6) or address is None:
            return
        host = address[0]
        refused = host != "localhost" and (
            _is_name(host) or not ipaddress.ip_address(host).is_loopback
        )
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
        if isinstance(host, bytes):
            host = host.decode()
        # A number is not looked up anywhere, and without a host it is about this machine.
        refused = host and host != "localhost" and _is_name(host)
    else:
        return
    if refused:
        # Not an Exception: what is tested must not catch it.
        pytest.fail(f"tests must not use the network, but {event} was called with {host!r}")
