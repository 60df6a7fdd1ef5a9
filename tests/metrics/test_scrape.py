"""A real Prometheus scrapes what we render, whatever stands in the labels, in both formats."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from metrics.expose import Format, Renderer, negotiate
from metrics.model import Distribution, Sample
from tests.metrics.samples import LABELLED, PLAIN, TIMES, TOTAL, UPSTREAM
from tests.waiting import free_ports

_SECONDS = 30
TEXTS = [
    'quotes " and \\ backslashes \\n \\" \\\\',
    "two\nlines\r\nand a tab\t",
    'x="y",z} 1 # {',
    "ünïcødé ☃ 🦉 \u2028 \x85",
    "not UTF-8: \udce9t\udce9",
    "a lone surrogate: \ud83e!",
    "\x00\x01\x7f",
]
SAMPLES: list[Sample] = [
    *(LABELLED.sample(index + 0.1, text, "b") for index, text in enumerate(TEXTS)),
    PLAIN.sample(float("inf")),
    TOTAL.sample(2**53, "big"),
    UPSTREAM.sample(7, "upstream"),
    TIMES.sample(Distribution((1, 2, 3, 4, 5), 6.5)),
]


@contextmanager
def target(force: Format | None) -> Iterator[tuple[int, set[str]]]:
    """A server of the samples: its port, and the content types that it answered with."""
    answered: set[str] = set()
    renderer = Renderer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = force or negotiate(self.headers.get("Accept", ""), self.headers.get("Accept-Encoding", ""))
            body = renderer.render(SAMPLES, wanted)
            self.send_response(200)
            for name, value in wanted.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            answered.add(wanted.headers["Content-Type"])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, answered
        server.shutdown()


@contextmanager
def prometheus(folder: Path, ports: dict[str, int]) -> Iterator[str]:
    """A Prometheus that scrapes those ports, each as a job; its URL."""
    binary = shutil.which("prometheus")
    if not binary:
        pytest.skip("Prometheus is not installed")
    jobs = [
        {"job_name": job, "scrape_interval": "1s", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        for job, port in ports.items()
    ]
    (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": jobs}))  # JSON is YAML
    (own,) = free_ports(1)
    command = [binary, "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{own}"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:
        try:
            yield f"http://127.0.0.1:{own}"
        finally:
            process.terminate()
            process.wait(10)


def ask(url: str, query: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}/api/v1/query?{urllib.parse.urlencode({'query': query})}", timeout=5) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return found


def wait_for(url: str, query: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        try:
            found = ask(url, query)
        except OSError:  # it still starts
            found = []
        if found:
            return found
        threading.Event().wait(0.05)
    raise AssertionError(f"no {query} after {_SECONDS} s")


JOBS = {"negotiated": None, "text": Format()}


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, set[str]]]]:
    """The URL of a Prometheus that has scraped both targets, and the content types that each answered with."""
    with ExitStack() as stack:
        targets = {job: stack.enter_context(target(force)) for job, force in JOBS.items()}
        ports = {job: port for job, (port, _) in targets.items()}
        url = stack.enter_context(prometheus(tmp_path_factory.mktemp("prometheus"), ports))
        with suppress(AssertionError):  # the tests tell why
            wait_for(url, "count(up == 1) == 2")
        yield url, {job: answered for job, (_, answered) in targets.items()}


@pytest.mark.parametrize("job", JOBS)
def test_prometheus_reads_back_what_we_meant(job: str, scraped: tuple[str, dict[str, set[str]]]) -> None:
    url, answered = scraped
    ever = f"[{_SECONDS}s]"  # a busy machine may miss a scrape later
    if ask(url, f"max_over_time(up{{job='{job}'}}{ever})")[0]["value"][1] != "1":
        with urllib.request.urlopen(f"{url}/api/v1/targets", timeout=5) as targets:
            pytest.fail(str([found["lastError"] for found in json.load(targets)["data"]["activeTargets"]]))

    def value(name: str, matchers: str = "") -> str:
        return str(ask(url, f"last_over_time({name}{{job='{job}'{matchers}}}{ever})")[0]["value"][1])

    asked = ask(url, f"last_over_time(wf_labelled{{job='{job}'}}{ever})")
    labelled = {series["metric"]["a"]: series["value"][1] for series in asked}
    replaced = [text.encode("utf-8", "metrics.expose").decode() for text in TEXTS]
    assert labelled == {text: str(index + 0.1) for index, text in enumerate(replaced)}
    assert (value("wf_plain"), value("wf_total"), value("wf_upstream_counter")) == ("+Inf", str(2**53), "7")
    assert value("wf_times_seconds_bucket", ",le='2.5'") == "6"
    assert answered[job] == {(JOBS[job] or Format(openmetrics=True)).headers["Content-Type"]}
