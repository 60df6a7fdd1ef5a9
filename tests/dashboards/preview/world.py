"""Real servers for the preview's tests: Prometheus, a target with hostile labels, the preview itself; all on free ports."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from settings.paths import CLONE
from tests.waiting import free_ports, until

KITCHEN = Path(__file__).parent / "fixtures" / "kitchen.json"
HOSTILE = "</script><img src=x onerror=alert(1)>"
RULES = """groups:
- name: test
  rules:
  - alert: TargetDown
    expr: up == 0
    labels: {severity: critical}
    annotations: {title: "Target down <b>now</b>", summary: "It does not answer."}
  - alert: Watchdog
    expr: vector(1)
"""


class _Hostile(http.server.BaseHTTPRequestHandler):
    """A scrape target: one counter that grows by five a second, under a label value that is HTML."""

    def do_GET(self) -> None:
        now = time.time()  # told with the value: a scrape that is late, or missed, changes no rate
        body = f'hostile_total{{evil="{HOSTILE}"}} {5 * now:.3f} {round(now * 1000)}\n'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing: a test's output is its result."""


@contextmanager
def hostile() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hostile)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def prometheus(folder: Path, targets: dict[str, int], *arguments: str) -> Iterator[str]:
    """A Prometheus that scrapes itself and `targets` (job to port) every second; its URL."""
    port = free_ports(1)[0]
    jobs = {"prometheus": port} | targets
    line = "- {{job_name: {}, static_configs: [{{targets: ['127.0.0.1:{}']}}]}}\n"
    scrapes = "".join(line.format(job, number) for job, number in jobs.items())
    head = "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
    head += f"rule_files: [{folder}/rules.yml]\n"
    (folder / "prometheus.yml").write_text(head + "scrape_configs:\n" + scrapes, encoding="utf-8")
    (folder / "rules.yml").write_text(RULES, encoding="utf-8")
    command = [
        shutil.which("prometheus") or "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running([*command, f"--storage.tsdb.path={folder}/data", *arguments], folder / "prometheus.log"):
        url = f"http://127.0.0.1:{port}"
        until("Prometheus ready", lambda: answers(f"{url}/-/ready"), 30)
        yield url


@contextmanager
def running(
    command: list[str], log: Path, environment: dict[str, str] | None = None, cwd: Path = CLONE
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=subprocess.STDOUT, env=os.environ | (environment or {}), cwd=cwd
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def environment(folder: Path, prometheus_url: str, interval: str = "1s") -> dict[str, str]:
    """The variables under which a preview serves `folder`'s dashboards from that Prometheus."""
    site = folder / "site.yaml"
    times = f"scrape_interval: {interval}, scrape_timeout: 1s, evaluation_interval: {interval}"
    site.write_text(f"prometheus: {{{times}}}\n", encoding="utf-8")
    (folder / "rendered" / "dashboards").mkdir(parents=True, exist_ok=True)
    return {"WATCHFLOOR_HOME": str(folder), "WATCHFLOOR_SITE": str(site), "PROMETHEUS_ENDPOINT": prometheus_url}


@contextmanager
def preview(folder: Path, prometheus_url: str, interval: str = "1s") -> Iterator[str]:
    """The preview as its own process, serving `folder`/rendered/dashboards; its URL."""
    log = folder / "preview.log"
    command = [sys.executable, "-m", "dashboards.preview", "--port", "0"]
    with running(command, log, environment(folder, prometheus_url, interval)):
        line = until("the preview's address", lambda: log.read_text(encoding="utf-8").partition("\n")[0] or None, 20)
        yield line.split()[2].rstrip("/")


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # our own servers, over http
            return bool(response.status == 200)
    except OSError:
        return False


def get(url: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers, also of an error."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as response:  # our own servers
            return response.status, response.read().decode(), dict(response.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)


def panel(base: str, uid: str, number: int, **query: str) -> dict[str, Any]:
    """A panel's payload."""
    given = {"from": "now-5m", "to": "now", "width": "300", "var-job": "prometheus"} | query
    made: dict[str, Any] = json.loads(get(f"{base}/api/panel/{uid}/{number}?{urllib.parse.urlencode(given)}")[1])
    return made
