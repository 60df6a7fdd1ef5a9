"""The process: starts, refuses to start, is killed, comes back with everything it had acknowledged."""

import signal
import socket
import sqlite3
import threading
import urllib.error
from collections.abc import Callable

import pytest

from tests.alerts.inbox.service import Inbox, alert, delivery
from tests.waiting import until

MakeInbox = Callable[..., Inbox]


def test_kill_loses_nothing_that_was_answered(inbox_process: Inbox) -> None:
    """Deliveries run on while the process is killed: each one that got its 200 is there afterwards, and each once."""
    answered: list[str] = []

    def deliver() -> None:
        for number in range(10_000):
            name = f"Alert{number}"
            try:
                if inbox_process.post(delivery(alert(name))).status == 200:
                    answered.append(name)
            except (OSError, urllib.error.URLError):
                return

    sender = threading.Thread(target=deliver)
    sender.start()
    until("some arrived", lambda: len(answered) >= 50)
    inbox_process.stop(signal.SIGKILL)
    sender.join()
    inbox_process.start()
    found = [item["alertname"] for item in inbox_process.notifications("?limit=1000")]
    assert set(answered) <= set(found)
    assert len(found) == len(set(found)) <= len(answered) + 1
    assert inbox_process.post(delivery(alert(answered[-1]))).json["duplicates"] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly(inbox_process: Inbox, number: signal.Signals) -> None:
    with socket.create_connection(("127.0.0.1", int(inbox_process.url.rpartition(":")[2]))) as listener:
        listener.sendall(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"text/event-stream" in listener.recv(4096)
        assert inbox_process.stop(number) == 0
    assert "Traceback" not in inbox_process.log


def test_a_port_in_use_is_told_with_its_holder(inbox_process: Inbox, make_inbox: MakeInbox) -> None:
    other = make_inbox(start=False)
    port = inbox_process.url.rpartition(":")[2]
    done = other.command("--port", port)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert inbox_process.process
    assert f"127.0.0.1:{port}: in use by " in done.stderr
    assert f"(pid {inbox_process.process.pid})" in done.stderr


def test_a_missing_token_is_told(make_inbox: MakeInbox) -> None:
    inbox = make_inbox(start=False)
    (inbox.home / "secrets" / "inbox_token").unlink()
    done = inbox.command("--port", "0")
    assert done.returncode == 2
    assert "inbox_token" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_token_that_others_may_read_is_refused(make_inbox: MakeInbox) -> None:
    inbox = make_inbox(start=False)
    (inbox.home / "secrets" / "inbox_token").chmod(0o644)
    done = inbox.command("--port", "0")
    assert done.returncode == 2
    assert "chmod 600" in done.stderr


def test_wrong_settings_are_told(make_inbox: MakeInbox) -> None:
    done = make_inbox("ports: {inbox: 70000}", start=False).command()
    assert done.returncode == 2
    assert "inbox" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_of_a_newer_version_is_left_alone(make_inbox: MakeInbox) -> None:
    inbox = make_inbox(own_process=True)
    inbox.stop()
    database = inbox.home / "data" / "inbox" / "inbox.db"
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    done = inbox.command("--port", "0")
    assert done.returncode == 1
    assert "schema 99" in done.stderr


def test_a_file_that_is_no_database_is_told(make_inbox: MakeInbox) -> None:
    inbox = make_inbox(start=False)
    folder = inbox.home / "data" / "inbox"
    folder.mkdir(parents=True)
    (folder / "inbox.db").write_text("this is no database, but a text of some length\n" * 100)
    done = inbox.command("--port", "0")
    assert done.returncode == 1
    assert "not a database" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_names_its_version(make_inbox: MakeInbox) -> None:
    done = make_inbox(start=False).command("--version")
    assert (done.returncode, done.stdout.startswith("watchfloor inbox ")) == (0, True)


def test_health_and_readiness(inbox_process: Inbox) -> None:
    assert inbox_process.get("/healthz").json == {"status": "ok"}
    assert inbox_process.get("/readyz").json == {"status": "ok"}


def test_while_the_database_is_locked_deliveries_are_asked_to_come_again(inbox_process: Inbox) -> None:
    """Alertmanager repeats what was answered with 5xx; what was answered with 4xx it drops."""
    connection = sqlite3.connect(inbox_process.home / "data" / "inbox" / "inbox.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    assert inbox_process.get("/readyz").status == 503
    answer = inbox_process.post(delivery(alert()))
    assert (answer.status, answer.json["status"]) == (503, 503)
    assert inbox_process.get("/healthz").status == 200
    connection.execute("ROLLBACK")
    connection.close()
    assert inbox_process.post(delivery(alert())).json["new"] == 1
