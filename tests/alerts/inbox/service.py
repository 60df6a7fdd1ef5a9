"""Real servers for the inbox's tests: the inbox itself, Alertmanager and Prometheus, each a process on a free port."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from alerts.inbox.desk import Desk
from alerts.inbox.service import application
from settings import Paths, load
from tests.waiting import free_ports, until

T = TypeVar("T")
TOKEN = "a-token-of-a-test"
ROOT = Path(__file__).resolve().parents[3]
BEGAN = "2026-11-22T09:00:00.123Z"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def ask(url: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
    """One request; every status is an answer, redirections too."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})  # our own servers
    try:
        with _OPENER.open(request, timeout=20) as response:
            return Answer(response.status, dict(response.headers), response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, dict(error.headers), error.read())


def alert(name: str = "HighCPUUsage", status: str = "firing", **labels: str) -> dict[str, Any]:
    """One alert as Alertmanager sends it; its fingerprint follows from its labels."""
    all_labels = {"alertname": name, "severity": "warning", "instance": "web-1"} | labels
    return {
        "status": status,
        "labels": all_labels,
        "annotations": {"title": "High CPU Usage", "summary": "High CPU usage detected", "description": "Above 80 % for 5 min."},
        "startsAt": BEGAN,
        "endsAt": "2026-11-22T09:07:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph",
        "fingerprint": f"{zlib.crc32(repr(sorted(all_labels.items())).encode()):016x}",
    }


def delivery(*alerts: dict[str, Any], **changes: Any) -> bytes:
    """A webhook body of version 4."""
    status = "firing" if any(item["status"] == "firing" for item in alerts) else "resolved"
    body: dict[str, Any] = {
        "version": "4",
        "groupKey": '{}:{alertname="HighCPUUsage"}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "inbox",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(alerts),
    }
    return json.dumps(body | changes).encode()


def watchdog() -> bytes:
    return delivery(alert("Watchdog", severity="info"))


def site_yaml(factor: float = 1.0, alertmanager: str = "", prometheus: str = "", retention: str = "90d") -> str:
    nobody = f"http://127.0.0.1:{free_ports(1)[0]}"
    return json.dumps(
        {
            "profile": {"factor": factor},
            "endpoints": {"alertmanager": alertmanager or nobody, "prometheus": prometheus or nobody},
            "inbox": {"retention": retention},
        }
    )


class _Thread:
    """The inbox's own application, served by a loop in a thread: all of the product but its command line and its death."""

    def __init__(self, home: Path, port: int) -> None:
        self.url = ""
        self._home, self._port = home, port
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self._thread.start()
        until("the inbox listens", lambda: self.url)

    async def _serve(self) -> None:
        desk = Desk(self._home / "data" / "inbox" / "inbox.db")
        site = load(self._home / "site.yaml", {})
        runner = web.AppRunner(application(site, Paths(self._home), TOKEN, desk), access_log=None, shutdown_timeout=5)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._port).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        await self._end.wait()
        await runner.cleanup()
        desk.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(15)
        self._loop.close()


@dataclass
class Inbox:
    """The inbox of a home folder, as a process or in a thread; `start` and `stop` as often as a test likes."""

    home: Path
    settings: str = field(default_factory=site_yaml)
    url: str = ""
    own_process: bool = False
    process: subprocess.Popen[bytes] | None = None
    thread: _Thread | None = None

    def prepare(self) -> None:
        (self.home / "secrets").mkdir(parents=True, exist_ok=True)
        token = self.home / "secrets" / "inbox_token"
        token.write_text(TOKEN + "\n")
        token.chmod(0o600)
        (self.home / "site.yaml").write_text(self.settings)

    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.endswith("_ENDPOINT")}
        return clean | {"WATCHFLOOR_HOME": str(self.home), "WATCHFLOOR_SITE": str(self.home / "site.yaml")}

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs to the end: for starts that must fail."""
        return subprocess.run(
            [sys.executable, "-m", "alerts.inbox", *arguments],
            env=self.environment(), cwd=ROOT, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip

    def start(self, port: str = "0") -> None:
        if not self.own_process:
            self.thread = _Thread(self.home, int(port))
            self.url = self.thread.url
            return
        with (self.home / "log").open("ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "alerts.inbox", "--port", port],
                env=self.environment(), cwd=ROOT, stdout=log, stderr=log,
            )  # fmt: skip
        found = until("the inbox listens", lambda: re.search(r"listening on (\S+)", self.log[begin:]))
        self.url = found[1]

    @property
    def log(self) -> str:
        return (self.home / "log").read_text()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.thread is not None:
            self.thread.stop()
            self.thread = None
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(15)
        self.process = None
        return code

    def post(self, body: bytes, token: str = TOKEN) -> Answer:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return ask(f"{self.url}/api/alerts", "POST", body, headers)

    def get(self, path: str, **headers: str) -> Answer:
        return ask(self.url + path, headers=headers)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A change through the API, as a program does it."""
        data = None if body is None else json.dumps(body).encode()
        return ask(self.url + path, method, data, {"X-Watchfloor": "1"} | headers)

    def form(self, path: str, **fields: str) -> Answer:
        """A form of the page, as a browser without JavaScript sends it."""
        token = re.search(r'name="token" value="([^"]+)"', self.get("/").text)
        assert token
        body = urllib.parse.urlencode({"token": token[1]} | fields).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.url, "Sec-Fetch-Site": "same-origin"}
        return ask(self.url + path, "POST", body, headers)

    def incidents(self, query: str = "") -> list[dict[str, Any]]:
        return list(self.get(f"/api/incidents{query}").json["incidents"])

    def notifications(self, query: str = "") -> list[dict[str, Any]]:
        return list(self.get(f"/api/notifications{query}").json["notifications"])

    def timeline(self, number: int) -> list[str]:
        return [event["kind"] for event in self.get(f"/api/incidents/{number}").json["timeline"]]

    def metric(self, series: str) -> float | None:
        """The value of a series as `/metrics` writes it; None where it is absent."""
        found = re.search(rf"^{re.escape(series)} (\S+)$", self.get("/metrics").text, re.MULTILINE)
        return float(found[1]) if found else None


@dataclass
class Server:
    """A server of the distribution, started in a folder of its own."""

    folder: Path
    arguments: list[str]
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.arguments, cwd=self.folder, stdout=log, stderr=log)
        until(f"{self.arguments[0]} is ready", self._ready)

    def _ready(self) -> bool:
        try:
            return ask(f"{self.url}/-/ready").status == 200
        except OSError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(15)
            self.process = None


def alertmanager(folder: Path, inbox_url: str = "") -> Server:
    """A real Alertmanager; with a URL it delivers to that inbox, every alert by itself and at once."""
    folder.mkdir(parents=True)
    token = folder / "token"
    token.write_text(TOKEN)
    hook = {
        "url": f"{inbox_url or 'http://127.0.0.1:1'}/api/alerts",
        "send_resolved": True,
        "http_config": {"authorization": {"credentials_file": str(token)}},
    }
    times = {"group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"}
    route = {"receiver": "inbox", "group_by": ["..."]} | times
    config = {"route": route, "receivers": [{"name": "inbox", "webhook_configs": [hook]}]}
    (folder / "alertmanager.yml").write_text(json.dumps(config))
    port = free_ports(1)[0]
    listen = [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    files = [f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'data'}"]
    return Server(folder, ["prometheus-alertmanager", *files, *listen], port)


def prometheus(folder: Path, alertmanager_url: str, rules: list[dict[str, Any]]) -> Server:
    """A real Prometheus that evaluates `rules` four times a second and adds an external label, as sites do."""
    folder.mkdir(parents=True)
    target = alertmanager_url.removeprefix("http://")
    config = {
        "global": {"evaluation_interval": "250ms", "scrape_interval": "1s", "external_labels": {"cluster": "test"}},
        "rule_files": [str(folder / "rules.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [target]}]}]},
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "test", "rules": rules}]}))
    port = free_ports(1)[0]
    files = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    # What fires before Prometheus has found its Alertmanager is sent again after this delay (1 min by default).
    others = ["--rules.alert.resend-delay=1s", f"--web.listen-address=127.0.0.1:{port}"]
    return Server(folder, ["prometheus", *files, *others], port)
