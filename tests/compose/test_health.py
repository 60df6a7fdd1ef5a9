"""What a service's answer means."""

import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from compose.edge import HEALTH
from compose.health import ask, degraded, standing_still
from tests.stream.bus.servers import redis_server
from tests.stream.cache.servers import VarnishServer
from tests.stream.store.postgres import Postgres
from tests.waiting import free_ports, until


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("ok", ""),
        ("degraded: Prometheus cannot be reached", "degraded: Prometheus cannot be reached"),
        ('{"status": "ok", "degraded": []}', ""),
        ('{"status": "degraded", "degraded": ["market has failed", "x"]}', "degraded: market has failed, x"),
        ("[1]", ""),
        ("", ""),
    ],
)
def test_a_ready_service_may_be_degraded(body: str, words: str) -> None:
    assert degraded(body) == words


def test_redis_is_asked_by_ping(tmp_path: Path) -> None:
    with redis_server(tmp_path / "redis") as server:
        assert ask(server.url, 2).ok
        server.client.config_set("requirepass", "a password")
        assert ask(server.url, 2).ok, "who asks for a password is there"
        assert "errorstat_NOAUTH" in server.client.info("errorstats")
        server.client.config_resetstat()
        assert ask(server.url, 2, ("default", "a password")).ok
        assert server.client.info("errorstats") == {}, "no call was refused"
        wrong = ask(server.url, 2, ("default", "another"))
        assert (wrong.answered, wrong.ok) == (True, False)
        assert wrong.why.startswith("-WRONGPASS")
        server.send(signal.SIGSTOP)
        hung = ask(server.url, 0.2)
        assert (hung.ok, hung.silent, hung.why) == (False, True, "no answer within 0.2 s")
    gone = ask(server.url, 2)
    assert (gone.answered, gone.silent, gone.why) == (False, False, "[errno 111] connection refused")


def test_a_parent_that_stands_still_is_silent_whatever_its_child_answers() -> None:
    with VarnishServer(free_ports(1)[0]) as server:
        parent = server.process.pid
        assert (ask(server.url + HEALTH, 2).ok, standing_still(parent)) == (True, None)
        os.kill(parent, signal.SIGSTOP)
        still = until("it stands still", lambda: standing_still(parent))
        assert ask(server.url + HEALTH, 2).ok
        assert (still.ok, still.silent, still.why) == (False, True, "its process is stopped")


def test_who_is_no_redis_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def other() -> None:
            taken = server.accept()[0]
            taken.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            taken.close()

        thread = threading.Thread(target=other)
        thread.start()
        health = ask(f"redis://127.0.0.1:{server.getsockname()[1]}", 2)
        thread.join()
    assert (health.answered, health.ok, health.why) == (True, False, "HTTP/1.1 400 Bad Request")


def test_postgresql_is_asked_up_to_the_password() -> None:
    with Postgres() as server:
        url = f"postgresql://127.0.0.1:{server.port}"
        assert ask(url, 2).ok
        server.process.send_signal(signal.SIGSTOP)
        hung = ask(url, 0.2)
        server.process.send_signal(signal.SIGCONT)
        assert (hung.ok, hung.silent) == (False, True)
        server.kill()
        assert (ask(url, 2).answered, ask(url, 2).ok) == (False, False)
