"""The PostgreSQL exporter beside real servers that are killed, hang, refuse, or are none: it says so in time, and comes back."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from psycopg import sql

from exporters.server import TIMEOUT_HEADER
from tests.exporters.postgres.exporter import cause, exporter, failed, secret, target
from tests.exporters.servers import Series, Server, series
from tests.postgres import PASSWORD, Bare
from tests.waiting import until

PATIENT, HASTY = "10", "2"  # seconds that a scrape has: of a server that answers, and of one that does not
LATER = 4.0  # seconds more that it may take on a busy machine


@pytest.fixture(scope="module")
def postgres() -> Iterator[Bare]:
    with Bare() as server:
        yield server


def scrape(server: Server, timeout: str = PATIENT) -> Series:
    began = time.monotonic()
    status, _, body = server.get(**{TIMEOUT_HEADER: timeout})
    assert status == 200
    assert time.monotonic() - began < float(timeout) + LATER
    return series(body.decode())


def test_a_server_that_is_killed_and_started_again(postgres: Bare, tmp_path: Path) -> None:
    with exporter(tmp_path, [target(postgres, tmp_path)]) as server:
        assert scrape(server)["pg_up"][()] == 1
        postgres.kill()
        first, second = scrape(server), scrape(server)
        assert first["pg_up"][()] == second["pg_up"][()] == 0
        assert cause(first) in ("lost", "refused", "starting")
        assert cause(second) == "refused"
        assert "up" not in failed(second)
        assert {"stat_database", "stat_user_tables", "settings"} <= failed(second)
        assert "pg_stat_database_xact_commit" not in second
        postgres.start()
        assert until("the exporter answers again", lambda: scrape(server)["pg_up"][()] == 1)
        assert failed(scrape(server)) == set()
        _, said = server.stop()
    lines = [line for line in said.splitlines() if "postgres main" in line]
    assert 2 <= len(lines) <= 4, said  # a line a change, whichever causes there were on the way, and none a scrape
    assert lines[-1].endswith("answers")
    assert "collector" not in said


def test_a_server_that_hangs(postgres: Bare, tmp_path: Path) -> None:
    with exporter(tmp_path, [target(postgres, tmp_path)]) as server:
        assert scrape(server)["pg_up"][()] == 1
        with stopped(postgres):
            assert failed(scrape(server, HASTY)) >= {"stat_database"}  # the connection that stood
            found = scrape(server, HASTY)  # a new one
            assert (found["pg_up"][()], cause(found)) == (0, "timeout")
            assert "process_cpu_seconds_total" in found
        assert until("the exporter answers again", lambda: scrape(server)["pg_up"][()] == 1)
        assert len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) < 8  # no thread was left behind


@contextmanager
def stopped(postgres: Bare) -> Iterator[None]:
    pids = postgres.processes()
    _tell(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _tell(pids, signal.SIGCONT)


def _tell(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # a worker that has ended meanwhile
            os.kill(pid, number)


def test_a_wrong_password_is_told_without_it_and_a_right_one_counts_at_once(postgres: Bare, tmp_path: Path) -> None:
    with exporter(tmp_path, [target(postgres, tmp_path)]) as server:
        secret(tmp_path, "wrong-and-secret")
        found = scrape(server)
        assert (found["pg_up"][()], cause(found)) == (0, "auth")
        text = server.text()
        secret(tmp_path)
        assert scrape(server)["pg_up"][()] == 1
        text += server.text()
        _, said = server.stop()
    for word in ("wrong-and-secret", PASSWORD, "secret: word"):
        assert word not in said + text
    assert said.count("password authentication failed") == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"dbname": "nowhere"}, "database"),
        ({"user": "nobody-of-that-name"}, "auth"),
        ({"host": "no-such-host.invalid"}, "dns"),
        ({"sslmode": "require"}, "tls"),
        ({"port": "1"}, "refused"),
    ],
)
def test_causes_are_told_apart(postgres: Bare, tmp_path: Path, change: dict[str, str], expected: str) -> None:
    wanted = target(postgres, tmp_path)
    words = dict(word.split("=") for word in wanted["dsn"].split()) | change
    wanted["dsn"] = " ".join(f"{name}={value}" for name, value in words.items())
    with exporter(tmp_path, [wanted]) as server:
        found = scrape(server)
    assert (found["pg_up"][()], cause(found)) == (0, expected)


@pytest.mark.parametrize(("answer", "expected"), [(b"", "timeout"), (b"HTTP/1.1 400 Bad Request\r\n\r\n", "protocol")])
def test_something_else_that_listens(tmp_path: Path, answer: bytes, expected: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    taken.append(listener.accept()[0])
                except OSError:
                    return
                if answer:
                    taken[-1].recv(1)
                    taken[-1].sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        dsn = f"host=127.0.0.1 port={listener.getsockname()[1]} user=x dbname=x sslmode=disable"
        with exporter(tmp_path, [{"name": "main", "dsn": dsn}]) as server:
            found = scrape(server, HASTY if expected == "timeout" else PATIENT)
        for connection in taken:
            connection.close()
    assert (found["pg_up"][()], cause(found)) == (0, expected)


def test_permission_denied_fails_that_collector_and_no_other(postgres: Bare, tmp_path: Path) -> None:
    with postgres.admin("shop") as admin, exporter(tmp_path, [target(postgres, tmp_path)]) as server:
        admin.execute("REVOKE EXECUTE ON FUNCTION pg_ls_waldir() FROM pg_monitor")
        try:
            found = scrape(server)
        finally:
            admin.execute("GRANT EXECUTE ON FUNCTION pg_ls_waldir() TO pg_monitor")
        assert failed(found) == {"wal"}
        assert (found["pg_up"][()], found["pg_exporter_last_scrape_error"][()]) == (1, 1)
        assert "pg_wal_size_bytes" not in found
        assert "pg_wal_position_bytes_total" in found  # of the same collector: what answered is told
        assert failed(scrape(server)) == set()
        _, said = server.stop()
    assert said.count("permission denied for function pg_ls_waldir") == 1


def test_a_table_that_is_held_exclusively_holds_up_nothing(postgres: Bare, tmp_path: Path) -> None:
    with postgres.admin("shop") as admin, exporter(tmp_path, [target(postgres, tmp_path)]) as server:
        admin.execute("CREATE TABLE held (id int PRIMARY KEY)")
        admin.execute("CREATE TABLE free (id int PRIMARY KEY)")
        admin.execute("BEGIN")
        admin.execute("LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
        found = scrape(server)
        admin.execute("ROLLBACK")
        admin.execute(sql.SQL("DROP TABLE held, free"))
    assert failed(found) == set()
    sizes = {dict(labels)["relname"] for labels in found["pg_stat_user_tables_size_bytes"]}
    assert "free" in sizes
    assert "held" not in sizes
    assert "held" in {dict(labels)["relname"] for labels in found["pg_stat_user_tables_seq_scan"]}
