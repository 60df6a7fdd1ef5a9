"""Every port without credentials, with wrong ones, and in the wrong role, on a running appliance."""

from __future__ import annotations

import asyncio
import os
import ssl
import stat
from collections.abc import Callable
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
import pytest
from websockets.asyncio.client import connect  # threads of one TLS connection disturb each other before Python 3.14
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from compose.topology import services
from settings.paths import ALERTMANAGER_USER, APP_USER, DATABASE_USER, EXPORTER_USER, READER_USER
from settings.secrets import read_secret
from tests.security.conftest import Besieged, Said
from tests.waiting import until

PATHS = (
    "/", "/d/watchfloor-overview", "/metrics", "/prometheus/api/v1/query?query=up", "/alertmanager/api/v2/status", "/inbox/",
    "/inbox/api/incidents", "/stream/", "/stream/client.js", "/stream/api/rooms", "/stream/api/openapi.json", "/stream/ws",
)  # fmt: skip


def _listens(process: psutil.Process) -> list[tuple[str, int]]:
    """Where a process listens; nowhere when it has ended meanwhile, as PostgreSQL's servers of one connection do."""
    try:
        return [(item.laddr.ip, item.laddr.port) for item in process.net_connections() if item.status == psutil.CONN_LISTEN]
    except psutil.NoSuchProcess:
        return []


def test_every_open_port_is_one_that_these_tests_know(besieged: Besieged) -> None:
    known = {port for service in services(besieged.appliance.site) for port in service.ports(besieged.appliance.site)}
    for name, process in besieged.appliance.stack.supervisor.processes().items():
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        found = [address for one in tree for address in _listens(one)]
        assert {host for host, _ in found} == {"127.0.0.1"}, name
        assert {port for _, port in found} <= known, name


@pytest.mark.parametrize("path", PATHS)
def test_the_entrance_lets_in_the_operator_and_nobody_else(besieged: Besieged, path: str) -> None:
    for headers in ({}, {"Authorization": "Basic d2F0Y2hmbG9vcjp4"}, {"Authorization": "Bearer x"}, {"X-API-Key": "x"}):
        assert besieged.enter(path, headers=headers).status == 401, headers
    expected = {"/stream/ws": 426, "/": 302}.get(path, 200)
    assert besieged.enter(path, headers=besieged.basic()).status == expected
    assert besieged.enter(path, headers=besieged.basic("viewer")).status == expected


def test_who_may_look_can_neither_silence_nor_tell(besieged: Besieged) -> None:
    event = b'{"title": "x", "kind": "deploy"}'
    program = {"X-Watchfloor": "1", "Content-Type": "application/json"}
    assert besieged.enter("/inbox/api/events", "POST", event, besieged.basic("viewer") | program).status == 403
    assert besieged.enter("/inbox/silences", "POST", b"", besieged.basic("viewer")).status == 403
    assert besieged.enter("/alertmanager/api/v2/silences", "POST", b"{}", besieged.basic("viewer") | program).status == 403
    assert besieged.enter("/inbox/api/events", "POST", event, besieged.basic() | program).status == 201


def test_a_token_of_the_stream_opens_the_stream_alone(besieged: Besieged) -> None:
    token = besieged.token("--scope", "read")
    key = besieged.token("--api-key")
    mine = {"Authorization": f"Bearer {token}"}
    until("the server knows it", lambda: besieged.enter("/stream/api/rooms", headers=mine).status == 200, 10)
    until("and the key", lambda: besieged.enter("/stream/api/rooms", headers={"X-API-Key": key}).status == 200, 10)
    for path in PATHS:
        if not path.startswith(("/stream/api/", "/stream/ws")):
            assert besieged.enter(path, headers=mine | {"X-API-Key": key}).status == 401, path
    for worse in (token[:-4], token + "x", token.rpartition(".")[0] + ".", "e30.e30."):
        assert besieged.enter("/stream/api/rooms", headers={"Authorization": f"Bearer {worse}"}).status == 401


def test_a_socket_opens_for_a_password_or_a_token_and_for_no_strangers_page(besieged: Besieged) -> None:
    port = besieged.appliance.site.ports.entrance
    trusted = ssl.create_default_context(cafile=str(besieged.appliance.paths.authority))

    async def handshake(headers: dict[str, str], origin: Origin | None = None) -> int:
        try:
            async with connect(
                f"wss://localhost:{port}/stream/ws", ssl=trusted, additional_headers=headers, origin=origin, proxy=None
            ) as socket:
                assert "Connected to real-time data stream" in str(await socket.recv())
                return 101
        except InvalidStatus as error:
            return int(error.response.status_code)

    def opened(headers: dict[str, str], origin: Origin | None = None) -> int:
        return asyncio.run(handshake(headers, origin))

    assert opened({}) == 401
    assert opened({"Authorization": "Bearer x"}) == 401
    assert opened(besieged.basic()) == 101
    token = {"Authorization": f"Bearer {besieged.token()}"}
    until("the server knows it", lambda: besieged.enter("/stream/api/rooms", headers=token).status == 200, 10)
    assert opened(token) == 101
    assert opened(besieged.basic(), Origin("https://evil.example")) == 403
    assert opened(besieged.basic(), Origin(f"https://localhost:{port}")) == 101


def test_alertmanager_inbox_and_the_caches_ask_who_comes_on_this_machine_too(besieged: Besieged) -> None:
    assert besieged.ask("alertmanager", "/api/v2/status").status == 401
    assert besieged.ask("alertmanager", "/api/v2/silences", "POST", b"{}").status == 401
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert besieged.ask("inbox", "/api/alerts", "POST", b"{}", headers).status == 401
    assert besieged.ask("edge", "/api/rooms", "PURGE").status in (403, 405)
    for headers in ({}, {"X-Watchfloor-Edge": "guess"}):
        assert besieged.ask("stream", "/cache/market:BTC", headers=headers).status == 404


def test_a_word_opens_its_own_door_and_no_other(besieged: Besieged) -> None:
    paths = besieged.appliance.paths
    own: dict[Path, Callable[[str], Said]] = {
        paths.alertmanager_password: lambda word: besieged.ask(
            "alertmanager", "/api/v2/status", headers=besieged.header(ALERTMANAGER_USER, word)
        ),
        paths.inbox_token: lambda word: besieged.ask("inbox", "/api/alerts", "POST", b"{}", {"Authorization": f"Bearer {word}"}),
        paths.entrance_password: lambda word: besieged.enter("/inbox/", headers=besieged.header("watchfloor", word)),
        paths.viewer_password: lambda word: besieged.enter("/inbox/", headers=besieged.header("viewer", word)),
    }
    words = {file: file.read_text(encoding="ascii") for file in (*own, paths.exporter_password, paths.edge_secret)}
    for door, enter in own.items():
        for file, word in words.items():
            assert (enter(word).status == 401) is (file != door), (door.name, file.name)


def test_nothing_changes_by_a_request_to_what_only_tells(besieged: Besieged) -> None:
    for port in ("prometheus", "exporter_system", "exporter_postgres", "exporter_redis", "store", "analysis", "watcher"):
        for method in ("PUT", "DELETE", "PATCH"):
            assert besieged.ask(port, "/metrics", method).status in (404, 405, 501), port
    for path in ("/-/reload", "/-/quit"):
        assert besieged.ask("prometheus", path, "POST").status == 403
    assert besieged.ask("prometheus", "/api/v1/admin/tsdb/snapshot", "POST").json["error"] == "admin APIs disabled"


def _as(besieged: Besieged, user: str, password: str) -> psycopg.Connection:
    port = besieged.appliance.site.ports.postgres
    return psycopg.connect(
        host="127.0.0.1", port=port, user=user, password=password, dbname="watchfloor", connect_timeout=5, autocommit=True
    )


@pytest.mark.parametrize("user", ["postgres", DATABASE_USER, APP_USER, EXPORTER_USER, READER_USER, "nobody"])
@pytest.mark.parametrize("password", ["", "wrong"])
def test_postgresql_answers_nobody_without_a_password(besieged: Besieged, user: str, password: str) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"password|pg_hba"):
        _as(besieged, user, password)


WRITES: tuple[LiteralString, ...] = (
    "DELETE FROM price_history", "TRUNCATE price_history", "CREATE TABLE x (a int)", "CREATE ROLE x", "DROP TABLE price_history",
    "SELECT pg_read_file('/etc/passwd')", "COPY (SELECT 1) TO PROGRAM 'id'", "SELECT rolpassword FROM pg_authid",
    "ALTER ROLE watchfloor PASSWORD 'x'", "SET ROLE watchfloor", "GRANT pg_monitor TO CURRENT_USER", "CREATE SCHEMA x",
    "UPDATE price_history SET price = 0", "ALTER TABLE price_history ADD COLUMN x int", "CREATE TEMPORARY TABLE x (a int)",
    "CREATE INDEX x ON price_history (price)",
    "SELECT pg_ls_dir('/etc')", "COPY price_history FROM '/etc/passwd'", "CREATE EXTENSION file_fdw", "ALTER SYSTEM SET port = 1",
    "SELECT pg_stat_statements_reset()", "CREATE TABLE watchfloor_exporter.x (a int)",
    "CREATE TABLE x PARTITION OF price_history DEFAULT", "ALTER TABLE price_history DETACH PARTITION price_history_default",
)  # fmt: skip


def test_the_workloads_role_writes_rows_and_nothing_else(besieged: Besieged) -> None:
    paths = besieged.appliance.paths
    with _as(besieged, APP_USER, read_secret(paths.app_password, "app")) as connection:
        users = "SELECT DISTINCT usename, application_name FROM pg_stat_activity WHERE usename LIKE 'watchfloor%%'"
        with _as(besieged, "postgres", read_secret(paths.postgres_password, "superuser")) as admin:
            owners = {(user, name) for user, name in admin.execute(users).fetchall() if user == DATABASE_USER}
            assert owners <= {(DATABASE_USER, "watchfloor-store")}, "only the maintenance comes as the owner"
        connection.execute("INSERT INTO cryptocurrencies (id, symbol, name) VALUES ('siege', 'SIEGE', 'Siege')")
        connection.execute("INSERT INTO price_history (crypto_id, price) VALUES ('siege', 1)")
        for statement in (*WRITES, "DELETE FROM cryptocurrencies", "SELECT 1 FROM watchfloor_exporter.column_statistics()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    with pytest.raises(psycopg.OperationalError, match="pg_hba"):
        psycopg.connect(
            host="127.0.0.1", port=besieged.appliance.site.ports.postgres, user=APP_USER, dbname="postgres",
            password=read_secret(paths.app_password, "app"),
        )  # fmt: skip


def test_the_readers_role_reads_rows_and_changes_none(besieged: Besieged) -> None:
    paths = besieged.appliance.paths
    with _as(besieged, READER_USER, read_secret(paths.reader_password, "reader")) as connection:
        assert connection.execute("SELECT count(*) FROM price_history").fetchone()
        connection.execute("SET default_transaction_read_only = off")
        for statement in WRITES:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_the_exporters_role_sees_figures_and_no_row(besieged: Besieged) -> None:
    paths = besieged.appliance.paths
    with _as(besieged, EXPORTER_USER, read_secret(paths.exporter_password, "exporter")) as connection:
        assert connection.execute("SELECT count(*) FROM pg_stat_activity").fetchone()
        connection.execute("SET default_transaction_read_only = off")  # it is no wall: who is let in may change it
        for statement in ("SELECT * FROM price_history LIMIT 1", *WRITES):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
    with _as(besieged, "postgres", read_secret(paths.postgres_password, "superuser")) as connection:
        hashed = connection.execute("SELECT rolname, rolpassword FROM pg_authid WHERE rolcanlogin").fetchall()
    assert all(str(password).startswith("SCRAM-SHA-256$") for _, password in hashed), [name for name, _ in hashed]


def test_the_controllers_socket_is_for_the_services_alone(besieged: Besieged) -> None:
    home = besieged.appliance.home
    sockets = [path for path in (home / "run").iterdir() if path.is_socket()]
    for path in sockets:
        assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0, path
    assert (home / "run" / "supervisord.conf").stat().st_mode & 0o077 == 0
    assert os.access(home, os.X_OK)
