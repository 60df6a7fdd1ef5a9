"""The judge of `make chaos`: what it counts as lost and doubled, its links; and one fault on a whole appliance."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Any

import pytest

from compose.topology import SERVICES
from tests.chaos.__main__ import conducted, main, picked, told
from tests.chaos.cases import ALERTS, NOT_HERE, cases, tells_of
from tests.chaos.proxy import Link
from tests.chaos.report import page
from tests.chaos.run import Result, Run
from tests.chaos.witness import Heard
from tests.waiting import free_ports, until


def data(seq: int, epoch: str = "a", kind: str = "data") -> dict[str, Any]:
    return {"type": kind, "seq": seq, "epoch": epoch}


def heard(*messages: dict[str, Any]) -> tuple[int, int, int]:
    one = Heard()
    for message in messages:
        one.take(message)
    return one.lost, one.doubled, one.epochs


def test_numbers_that_are_left_out_or_come_again_are_counted() -> None:
    begin = data(5, kind="initial-data")
    assert heard(begin, data(6), data(7)) == (0, 0, 1)
    assert heard(begin, data(6), data(9)) == (2, 0, 1)
    assert heard(begin, data(6), data(6)) == (0, 1, 1)
    assert heard(begin, data(6), data(9, kind="initial-data"), data(10)) == (3, 0, 1)
    assert heard(begin, data(6), data(1, "b", "initial-data"), data(2, "b")) == (0, 0, 2)


def test_a_link_carries_waits_and_is_cut() -> None:
    (port,) = free_ports(1)
    server = socket.create_server(("127.0.0.1", port))

    def answer(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while got := connection.recv(10):
                connection.sendall(got)

    def accept() -> None:
        while True:
            threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with Link(port) as link:
        client = socket.create_connection(("127.0.0.1", link.port), timeout=5)
        client.sendall(b"one")
        assert client.recv(10) == b"one"
        with link.slow(0.1):
            began = time.monotonic()
            client.sendall(b"two")
            assert client.recv(10) == b"two"
            assert time.monotonic() - began >= 0.2
        with link.cut():
            until("it is cut", lambda: _gone(client), 5)
            assert _gone(socket.create_connection(("127.0.0.1", link.port), timeout=5))
        again = socket.create_connection(("127.0.0.1", link.port), timeout=5)
        again.sendall(b"three")
        assert again.recv(10) == b"three"
        assert link.answered == len(b"onetwothree")


def _gone(client: socket.socket) -> bool:
    try:
        return client.recv(10) == b""
    except ConnectionResetError:
        return True


def test_every_component_is_a_service_and_names_are_told() -> None:
    assert set(ALERTS) | set(NOT_HERE) == {service.name for service in SERVICES}
    assert [case.name for case in picked("", 7, root=True)] == [case.name for case in picked("", 7, root=True)]
    assert {case.name for case in picked("", 7, root=True)} == {case.name for case in cases()}
    with pytest.raises(ValueError, match="is no case"):
        picked("shop:kill", 1, root=True)
    with pytest.raises(ValueError, match="needs root"):
        picked("disk:fill", 1, root=False)
    assert main(["--only", "shop:kill"]) == 2


def test_an_alert_about_another_service_tells_nothing() -> None:
    assert tells_of("bus", {"alertname": "ServiceDown", "service": "bus"})
    assert not tells_of("bus", {"alertname": "ServiceDown", "service": "edge"})
    assert not tells_of("bus", {"alertname": "TargetDown", "job": "stream"})
    assert tells_of("bus", {"alertname": "BusDown", "job": "stream"})


def test_a_loss_fails_and_so_does_a_missing_alert(capsys: pytest.CaptureFixture[str]) -> None:
    good = Result("bus", "stop", "BusDown", 5.0, 20.0, 21.0, 60.0, 0, 0, wanted=True)
    assert good.passed
    for field, value in {"lost": 1, "doubled": 1, "alerted": None, "back": 61.0, "served": None}.items():
        run = Run([Result(**{**vars(good), field: value})])
        assert not run.passed
        assert "**failed**" in page(run, 1, (0, 0))
        told(run, 7, "")
        assert "make chaos args='--only bus:stop'" in capsys.readouterr().err
    assert not Run([good], broken="not within 1 s").passed


def test_a_killed_stream_and_a_killed_database_lose_nothing() -> None:
    run = conducted(picked("stream:kill,postgres:kill", 1, root=False))
    assert not run.broken
    assert {one.component: one.counted for one in run.results} == {"stream": {}, "postgres": {}}
    assert all(one.served for one in run.results)
    assert run.rows > 50
    assert run.resumed >= 20  # each client lost its connection, and said so
