"""The models' exporter beside a data store that is killed, hangs, refuses, or is none: a cause, one line, no secret."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import yaml

from exporters.server import TIMEOUT_HEADER
from tests.exporters.servers import Series, Server, ours, series
from tests.stream.store.postgres import Postgres, _users_of, postgres  # noqa: F401  # a fixture
from tests.waiting import until

ROLE, PASSWORD = "reader", "a-word-that-nobody-may-read"
READERS = {"scores", "versions", "outputs", "drift", "backlog"}
IN_TIME = 7.0  # seconds for a scrape that has 5, on a busy machine


@pytest.fixture(scope="module")
def url(postgres: Postgres) -> str:  # noqa: F811  # the fixture
    """The data store, as a role that must know its password and may read."""
    found = postgres.fresh()
    with psycopg.connect(found, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
        admin.execute(f"GRANT SELECT ON ai_predictions TO {ROLE}")
        rules = postgres.data / "pg_hba.conf"
        rules.write_text(f"host all {ROLE} 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
        admin.execute("SELECT pg_reload_conf()")
    return found.replace("watchfloor@", f"{ROLE}:{PASSWORD}@")


def exporter(folder: Path, where: str) -> Server:
    file, site = folder / "url", folder / "site.yaml"
    file.write_text(where)
    file.chmod(0o600)
    site.write_text(yaml.safe_dump({"database": {"url_file": str(file)}}))
    words = [sys.executable, "-m", "exporters", "model_quality"]
    return ours(command=words, environment={"WATCHFLOOR_SITE": str(site), "WATCHFLOOR_HOME": str(folder)})


def scrape(server: Server) -> Series:
    began = time.monotonic()
    status, _, body = server.get(**{TIMEOUT_HEADER: "5"})
    assert status == 200
    assert time.monotonic() - began < IN_TIME
    return series(body.decode())


def cause(found: Series) -> str:
    """Why the data store could not be asked; empty when it could."""
    causes = [dict(labels)["cause"] for labels, value in found["watchfloor_target_failure"].items() if value == 1]
    assert len(causes) <= 1
    failed = {dict(labels)["collector"] for labels, value in found["watchfloor_collector_success"].items() if value != 1}
    assert failed == (READERS if causes else set())
    return causes[0] if causes else ""


def lines(said: str) -> list[str]:
    return [line for line in said.splitlines() if "data store" in line or "collector" in line]


def test_a_data_store_that_is_killed_and_started_again(postgres: Postgres, url: str, tmp_path: Path) -> None:  # noqa: F811
    with exporter(tmp_path, url) as server:
        assert cause(scrape(server)) == ""
        postgres.kill()
        scrape(server)  # on the connection that stood: lost, or refused already
        assert [cause(scrape(server)) for _ in range(2)] == ["refused"] * 2
        postgres.start()
        until("the exporter answers again", lambda: cause(scrape(server)) == "")
        _, said = server.stop()
    assert 2 <= len(lines(said)) <= 4, said  # a line a change, and none a scrape or a collector
    assert lines(said)[-1].endswith("the data store answers")


def test_a_data_store_that_hangs(postgres: Postgres, url: str, tmp_path: Path) -> None:  # noqa: F811  # the fixture
    with exporter(tmp_path, url) as server:
        assert cause(scrape(server)) == ""
        before = len(list(Path(f"/proc/{server.process.pid}/task").iterdir()))
        pids = [int(pid) for pid in _users_of(postgres.folder)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:  # on the connection that stood, and on new ones
            assert [cause(scrape(server)) for _ in range(2)] == ["timeout"] * 2
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        until("the exporter answers again", lambda: cause(scrape(server)) == "")
        assert len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) <= before
        _, said = server.stop()
    assert len(lines(said)) == 2, said


def test_what_is_refused_is_told_without_the_password(url: str, tmp_path: Path) -> None:
    for wrong, expected in (
        (url.replace(PASSWORD, "wrong-and-secret"), "auth"),
        (f"{url}?sslmode=require", "tls"),
    ):
        with exporter(tmp_path, wrong) as server:
            assert [cause(scrape(server)) for _ in range(2)] == [expected] * 2
            text = server.text()
            _, said = server.stop()
        assert len(lines(said)) == 1, said
        assert f"({expected})" in said
        assert not [word for word in (PASSWORD, "wrong-and-secret") if word in said + text]


def test_permission_denied_is_told_until_it_is_given(postgres: Postgres, url: str, tmp_path: Path) -> None:  # noqa: F811
    database = url.rpartition("/")[2]
    with exporter(tmp_path, url) as server, postgres.admin(database) as admin:
        admin.execute(f"REVOKE SELECT ON ai_predictions FROM {ROLE}")
        try:
            assert [cause(scrape(server)) for _ in range(2)] == ["auth"] * 2
        finally:
            admin.execute(f"GRANT SELECT ON ai_predictions TO {ROLE}")
        assert cause(scrape(server)) == ""
        _, said = server.stop()
    assert said.count("permission denied for table ai_predictions") == 1
    assert len(lines(said)) == 2, said


@contextmanager
def impostor(answer: bytes) -> Iterator[int]:
    """Something that is no PostgreSQL: it accepts, and says this or nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    taken.append(listener.accept()[0])
                    if answer:
                        taken[-1].recv(1)
                        taken[-1].sendall(answer)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        for connection in taken:
            connection.close()


@pytest.mark.parametrize(("answer", "expected"), [(b"", "timeout"), (b"HTTP/1.1 400 Bad Request\r\n\r\n", "protocol")])
def test_something_else_that_listens(answer: bytes, expected: str, tmp_path: Path) -> None:
    with impostor(answer) as port, exporter(tmp_path, f"postgresql://x:y@127.0.0.1:{port}/x?sslmode=disable") as server:
        assert cause(scrape(server)) == expected
