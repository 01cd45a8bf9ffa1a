"""The kernel of the lectures asks nobody but this machine."""

import pytest

from notebooks.making.kernel import peak_memory, refuse_other_hosts


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("93.184.215.14", 80))),
        ("socket.connect", (None, ("2606:2800:21f:cb07::1", 80, 0, 0))),
        ("socket.getaddrinfo", ("example.org", 443, 0, 0, 0)),
        ("socket.getaddrinfo", (b"example.org", 443, 0, 0, 0)),
    ],
)
def test_other_hosts_are_refused(event, arguments):
    with pytest.raises(ConnectionRefusedError, match="runs without a network"):
        refuse_other_hosts(event, arguments)


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("127.0.0.1", 5555))),
        ("socket.connect", (None, ("::1", 5555, 0, 0))),
        ("socket.connect", (None, "/run/some.socket")),
        ("socket.getaddrinfo", ("localhost", 0, 0, 0, 0)),
        ("socket.getaddrinfo", (None, 0, 0, 0, 0)),
        ("open", ("example.org", "r", 0)),
    ],
)
def test_this_machine_is_not(event, arguments):
    refuse_other_hosts(event, arguments)


def test_memory_is_in_bytes():
    ballast = bytearray(300_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    assert 3e8 < peak_memory() < 64e9
