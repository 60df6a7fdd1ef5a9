"""A taken port is told with the process that has it."""

import os
import socket
from http.server import BaseHTTPRequestHandler

from compose.ports import is_free
from compose.telling import Server
from settings.ports import holder


def test_a_port_in_use_names_its_holder() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert not is_free("127.0.0.1", port)
        assert holder(port).endswith(f"(pid {os.getpid()})")
    assert is_free("127.0.0.1", port)


def test_ipv6_is_looked_at_too() -> None:
    with socket.socket(socket.AF_INET6) as server:
        server.bind(("::1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert not is_free("::1", port)
        assert str(os.getpid()) in holder(port)


def test_a_connection_is_no_listener() -> None:
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
        assert holder(client.getsockname()[1]) == "a process that this user may not see"


def test_a_watcher_listens_on_ipv6_too() -> None:
    with Server(("::1", 0), BaseHTTPRequestHandler) as server:
        assert server.server_address[0] == "::1"
