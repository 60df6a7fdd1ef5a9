"""Who is notified: a real Alertmanager with the rendered configuration, and real servers that take what it sends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from alerts import render
from alerts.versions import installed
from settings import parse
from tests.waiting import free_ports, until

ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager") or "alertmanager"
TOKEN = "a-token-of-a-test"


@dataclass
class Listener:
    """An HTTP server that keeps what is posted to it, by path, and answers 200, or what `answers` says for a path."""

    port: int
    received: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def of(self, path: str, word: str = "") -> list[dict[str, Any]]:
        """What came to that path and holds the word somewhere."""
        return [body for body in self.received.get(path, []) if word in json.dumps(body, ensure_ascii=False)]


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener(free_ports(1)[0])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.received.setdefault(self.path, []).append(json.loads(body))
            with contextlib.suppress(BrokenPipeError):  # Alertmanager is ended in the midst of it
                self.answer(listener.answers.get(self.path, 200))

        def answer(self, status: int) -> None:
            self.send_response(status)
            self.end_headers()
            bot = b'{"ok": true, "result": {"message_id": 1, "chat": {"id": 1}}}'  # Telegram's answer; Slack's is a word
            self.wfile.write(bot if self.path.startswith("/bot") else b"ok")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", listener.port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Mailbox:
    """An SMTP server's handler that keeps every mail, or `refuses` whoever it is for.

    Alertmanager 0.25 does not look at the answer that follows a mail's text: what is refused there counts as delivered.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuses = False

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.refuses:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 taken"

    def about(self, word: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if word in mail["Subject"]]


@contextmanager
def mailing() -> Iterator[tuple[Mailbox, int]]:
    box, port = Mailbox(), free_ports(1)[0]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


def part(mail: EmailMessage, kind: str) -> str:
    """The mail's text (`plain`) or page (`html`)."""
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@dataclass
class Alertmanager:
    """A running one; alerts are posted to it as Prometheus does."""

    url: str
    log: Path
    pid: int = 0

    def post(self, *alerts: dict[str, Any]) -> None:
        body = json.dumps(list(alerts)).encode()
        request = urllib.request.Request(f"{self.url}/api/v2/alerts", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()

    def failures(self, integration: str) -> float:
        """Notifications that it could not deliver by that kind of receiver; later versions tell them apart by reason."""
        return self._sum(rf'^alertmanager_notifications_failed_total{{integration="{integration}"[^}}]*}} (\S+)$')

    def begun(self) -> float:
        """Notifications of every kind since it started."""
        return self._sum(r"^alertmanager_notifications_total{[^}]*} (\S+)$")

    def _sum(self, series: str) -> float:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
            return sum(float(value) for value in re.findall(series, answer.read().decode(), re.MULTILINE))


def alert(name: str, /, *, resolved: bool = False, annotations: dict[str, str] | None = None, **labels: str) -> dict[str, Any]:
    """One alert as Prometheus posts it: firing since two minutes ago, or resolved a second ago."""
    now = datetime.now(UTC)
    own = {"alertname": name, "severity": "critical", "cluster": "c", "instance": "host-1"} | labels
    return {
        "labels": {key: value for key, value in own.items() if value},
        "annotations": annotations or {},
        "startsAt": (now - timedelta(minutes=2)).isoformat(),
        "endsAt": (now - timedelta(seconds=1) if resolved else now + timedelta(minutes=5)).isoformat(),
    }


def rendered(folder: Path, text: str) -> Path:
    """The configuration of a site, rendered for this machine's Alertmanager as the appliance's home holds it."""
    render.write(render.render(parse(text), installed()), folder / "rendered")
    secrets = folder / "secrets"
    secrets.mkdir(exist_ok=True)
    (secrets / "inbox_token").write_text(TOKEN)
    return folder / "rendered" / "alertmanager" / "alertmanager.yml"


@contextmanager
def running(folder: Path, text: str) -> Iterator[Alertmanager]:
    """An Alertmanager for the site of `text`."""
    path, log, port = rendered(folder, text), folder / "log", free_ports(1)[0]
    command = [
        ALERTMANAGER, f"--config.file={path}", f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=warn",
    ]  # fmt: skip
    server = Alertmanager(f"http://127.0.0.1:{port}", log)
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | {"TZ": "UTC"}) as process,
    ):
        try:
            server.pid = process.pid
            until("Alertmanager is ready", lambda: process.poll() is None and _ready(server.url))
            yield server
        finally:
            process.terminate()
            process.wait(10)


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
