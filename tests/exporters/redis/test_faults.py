"""The Redis exporter beside real servers that are killed, hang, refuse, load, or are none: it says so in time, and comes back."""

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from compose.redis_users import EXPORTER_RULES
from exporters.server import TIMEOUT_HEADER
from tests.exporters.redis.servers import PASSWORD, Redis, cause, exporter, failed, secret, target
from tests.exporters.servers import Series, Server, series
from tests.waiting import free_ports, until

PATIENT, HASTY = "10", "2"  # seconds that a scrape has: of a server that answers, and of one that does not
LATER = 4.0  # seconds more that it may take on a busy machine


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with Redis() as running:
        yield running


def scrape(watched: Server, timeout: str = PATIENT) -> Series:
    began = time.monotonic()
    status, _, body = watched.get(**{TIMEOUT_HEADER: timeout})
    assert status == 200
    assert time.monotonic() - began < float(timeout) + LATER
    return series(body.decode())


def lines(said: str) -> list[str]:
    return [line for line in said.splitlines() if "redis main" in line or "collector" in line]


def test_a_server_that_is_killed_and_started_again(server: Redis, tmp_path: Path) -> None:
    with exporter(tmp_path, [target(server.port, tmp_path)]) as watched:
        assert scrape(watched)["redis_up"][()] == 1
        server.kill()
        for _ in range(3):
            found = scrape(watched)
            assert (found["redis_up"][()], cause(found)) == (0, "refused")
        assert "up" not in failed(found)
        assert {"memory", "commands", "latency", "keyspace"} <= failed(found)
        assert "redis_memory_used_bytes" not in found
        server.start()
        assert until("the exporter answers again", lambda: scrape(watched)["redis_up"][()] == 1)
        assert failed(scrape(watched)) == set()
        _, said = watched.stop()
    assert len(lines(said)) == 2, said
    assert "Connection refused" in lines(said)[0]
    assert lines(said)[1].endswith("redis main: answers")


def test_a_server_that_restarts_between_two_scrapes_was_never_away(server: Redis, tmp_path: Path) -> None:
    with exporter(tmp_path, [target(server.port, tmp_path)]) as watched:
        assert scrape(watched)["redis_up"][()] == 1
        server.kill()
        server.start()
        found = scrape(watched)
        assert (found["redis_up"][()], failed(found)) == (1, set())
        _, said = watched.stop()
    assert lines(said) == []


def test_a_server_that_hangs(server: Redis, tmp_path: Path) -> None:
    with exporter(tmp_path, [target(server.port, tmp_path)]) as watched:
        assert scrape(watched)["redis_up"][()] == 1
        server.send(signal.SIGSTOP)
        try:
            for _ in range(2):  # on the connection that stood, and on a new one
                found = scrape(watched, HASTY)
                assert (found["redis_up"][()], cause(found)) == (0, "timeout")
                assert "process_cpu_seconds_total" in found
        finally:
            server.send(signal.SIGCONT)
        assert until("the exporter answers again", lambda: scrape(watched)["redis_up"][()] == 1)
        assert len(list(Path(f"/proc/{watched.process.pid}/task").iterdir())) < 8  # no thread was left behind


def test_a_wrong_password_is_told_without_it_and_a_right_one_counts_at_once(server: Redis, tmp_path: Path) -> None:
    with exporter(tmp_path, [target(server.port, tmp_path)]) as watched:
        secret(tmp_path, "wrong-and-secret")
        server.client.client_kill_filter(skipme=True)
        found = scrape(watched)
        assert (found["redis_up"][()], cause(found)) == (0, "auth")
        text = watched.text()
        secret(tmp_path)
        assert scrape(watched)["redis_up"][()] == 1
        text += watched.text()
        _, said = watched.stop()
    for word in ("wrong-and-secret", PASSWORD):
        assert word not in said + text
    assert said.count("WRONGPASS") == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"user": "nobody"}, "auth"),
        ({"url": "redis://no-such-host.invalid"}, "dns"),
        ({"url": "redis://127.0.0.1:1"}, "refused"),
        ({"password_file": "/nonexistent/password"}, "settings"),
        ({"ca": "/nonexistent/ca.pem", "url": "rediss://127.0.0.1:{port}"}, "settings"),
        ({"url": "rediss://127.0.0.1:{port}"}, "timeout"),  # a server without TLS waits for the line's end
    ],
)
def test_causes_are_told_apart(server: Redis, tmp_path: Path, change: dict[str, str], expected: str) -> None:
    wanted = target(server.port, tmp_path) | {name: text.format(port=server.port) for name, text in change.items()}
    with exporter(tmp_path, [wanted]) as watched:
        found = scrape(watched, HASTY if expected == "timeout" else PATIENT)
    assert (found["redis_up"][()], cause(found)) == (0, expected)


@contextmanager
def impostor(answer: bytes, *, slowly: bool = False) -> Iterator[int]:
    """Something that is no Redis: it accepts, and answers every read alike; a byte at a time where `slowly`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def serve(connection: socket.socket) -> None:
            with connection:
                with suppress(OSError):  # who asked may have gone
                    while answer and connection.recv(65536):
                        for piece in [bytes([byte]) for byte in answer] if slowly else [answer]:
                            connection.sendall(piece)
                            ended.wait(0.5 if slowly else 0)
                ended.wait(30)

        def accept() -> None:
            while True:
                try:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        ended.set()


@pytest.mark.parametrize(
    ("answer", "slowly", "expected"),
    [
        (b"", False, "timeout"),
        (b"$100\r\n", True, "timeout"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False, "protocol"),
        (b"*1000000000\r\n:1\r\n", False, "protocol"),
        (b"*3\r\n+OK\r\n" * 40, False, "protocol"),
        (b"+OK\r\n" * 40, False, "protocol"),
        (b"-LOADING Redis is loading the dataset in memory\r\n" * 3, False, "starting"),
        (b"-ERR max number of clients reached\r\n" * 3, False, "limit"),
    ],
)
def test_something_else_that_listens(tmp_path: Path, answer: bytes, slowly: bool, expected: str) -> None:  # noqa: FBT001  # a table's column
    with (
        impostor(answer, slowly=slowly) as port,
        exporter(tmp_path, [{"name": "main", "url": f"redis://127.0.0.1:{port}"}]) as watched,
    ):
        found = scrape(watched, HASTY if expected == "timeout" else PATIENT)
        assert (found["redis_up"][()], cause(found)) == (0, expected)
        assert watched.resident_bytes() < 150 * 2**20


def test_permission_denied_fails_that_collector_and_no_other(tmp_path: Path) -> None:
    rules = EXPORTER_RULES.replace(" +latency|histogram", "").replace(" +scan", "")
    wanted: dict[str, Any] = {"keys": [{"pattern": "*"}]}
    with Redis(rules=rules) as server, exporter(tmp_path, [target(server.port, tmp_path, **wanted)]) as watched:
        server.client.config_set("latency-monitor-threshold", 1)
        server.ask("DEBUG", "SLEEP", "0.005")
        for _ in range(2):
            found = scrape(watched)
            assert failed(found) == {"latency", "keys"}
        assert (found["redis_up"][()], found["redis_exporter_last_scrape_error"][()]) == (1, 1)
        assert "redis_latency_spike_last" in found  # of the same collector: what answered is told
        server.ask("ACL", "SETUSER", "watcher", "+latency|histogram", "+scan")
        assert failed(scrape(watched)) == set()
        _, said = watched.stop()
    assert said.count("NOPERM") == 2


def test_a_server_that_loads_its_data(tmp_path: Path) -> None:
    with Redis() as server:
        server.ask("DEBUG", "POPULATE", 100_000)  # three minutes of loading: far more than the busiest machine needs for a scrape
        server.client.save()
        server.kill()
        server._command += ["--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024"]
        server.start(loads=True)
        with exporter(tmp_path, [target(server.port, tmp_path, keys=[{"pattern": "*"}])]) as watched:
            found = scrape(watched)
            assert found["redis_loading_dump_file"][()] == 1
            assert failed(found) == {"keys"}
            _, said = watched.stop()
    assert said.count("LOADING") == 1


def test_a_million_keys_are_looked_through_within_the_budget(tmp_path: Path) -> None:
    with Redis() as server:
        server.ask("DEBUG", "POPULATE", 1_000_000, "key", 3)
        wanted = target(server.port, tmp_path, counts=[{"pattern": "key:*"}], keys=[{"pattern": "key:99999*"}])
        with exporter(tmp_path, [wanted], scan_keys=100_000, scan_time="100ms") as watched:
            before, scanned, took = 0.0, 0.0, []
            while "redis_keys_count" not in (found := scrape(watched)):
                scanned = found["redis_keys_scanned_total"][()]
                assert scanned - before <= 100_000
                took.append(found["redis_exporter_last_scrape_duration_seconds"][()])
                before = scanned
            assert sum(one >= 1.5 for one in took) <= 1, took  # a busy machine may stand still once
            assert scanned >= 500_000
            assert abs(found["redis_keys_count"][("db", "db0"), ("key", "key:*")] - 1_000_000) < 20_000
            until("the keys are found", lambda: len(scrape(watched)["redis_key_size"]) == 11)
            assert failed(scrape(watched)) == set()
            assert watched.resident_bytes() < 60 * 2**20


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ca.pem; server.pem and client.pem, signed by it, with their keys."""
    folder = tmp_path_factory.mktemp("certificates")
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run(
        [*new, "-x509", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    sign = ["openssl", "x509", "-req", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"]
    for name in ("server", "client"):
        asked = ["-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}"]
        subprocess.run([*new, *asked, "-addext", "subjectAltName=IP:127.0.0.1"], cwd=folder, check=True, capture_output=True)
        signed = ["-in", f"{name}.csr", "-copy_extensions", "copy", "-out", f"{name}.pem"]
        subprocess.run([*sign, *signed], cwd=folder, check=True, capture_output=True)
        (folder / f"{name}.key").chmod(0o600)
    return folder


def test_tls_with_a_certificate_on_both_sides(certificates: Path, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    files = {"tls-cert-file": "server.pem", "tls-key-file": "server.key", "tls-ca-cert-file": "ca.pem"}
    words = [word for name, file in files.items() for word in (f"--{name}", str(certificates / file))]
    with Redis("--tls-port", str(port), *words):
        ours = {"certificate": str(certificates / "client.pem"), "key_file": str(certificates / "client.key")}
        trusted = {"ca": str(certificates / "ca.pem")}
        wanted = target(port, tmp_path) | {"url": f"rediss://127.0.0.1:{port}"}
        for more, expected in (({**trusted, **ours}, ""), (ours, "tls"), (trusted, "tls")):
            with exporter(tmp_path, [wanted | more]) as watched:
                found = scrape(watched)
                assert (found["redis_up"][()], cause(found)) == (int(not expected), expected), more
                if not expected:
                    assert failed(scrape(watched)) == set()
