"""What all rules cost Prometheus: CPU with them less CPU without, and what Prometheus itself says of each group.

    python -m tests.bench.rules [--seconds 250] [--ill]

Two Prometheus servers scrape the same 10,000 series, of every metric that a rule reads, every 10 s; one of them evaluates the
rendered rules, and has 30 days of what objectives record and a day of the series that alerts look at for a day.

What is scraped is of a healthy site, where the Watchdog alone fires: what fires costs more, because its texts are filled in at
each evaluation. With `--ill` errors come and jobs are absent, and dozens of alerts fire.
"""

from __future__ import annotations

import argparse
import http.server
import itertools
import json
import platform
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import yaml
from rich.table import Table

from alerts import render
from alerts.model import site_alerts
from compose.terminal import console
from metrics import app, catalog, database, feed, probe, slo_signals, websocket
from metrics.durations import seconds
from metrics.model import RECORDING_RULE, Histogram, Metric
from metrics.slo import SLOS
from metrics.stack import JOBS
from metrics.system import filesystem
from settings import Site
from tests.waiting import free_ports, until

LIMIT = 2.0  # percent of one core
SERIES, INTERVAL, DAYS = 10_000, "10s", 30
_MOST = 60  # label values of one metric at one target
# Read over a day: what would cost nothing in the first minutes of a server costs most in its second day.
OF_A_DAY = (filesystem.READONLY,)
SITE = Site()
# What stays at a value instead of growing by a scrape's number, so that nothing fires; by metric, and by label.
_STILL = {
    feed.STALE: 0, filesystem.READONLY: 0, database.CONNECTIONS: 1, app.ERRORS: 1, websocket.ERRORS: 1, websocket.DROPPED: 1,
    websocket.GAPS: 1,
    probe.FAILURES: 1,
}  # fmt: skip
_BAD = {("code", "5xx"), ("source", "none"), ("source", "error"), ("result", "full")}


def lines(*, ill: bool = False) -> Iterator[str]:
    """One target's text: the series of every metric that a rule reads, but for those that rules make."""
    files = [yaml.safe_load(text) for text in render.rules(site_alerts(SITE), SITE).values()]
    rules = [rule for file in files for group in file["groups"] for rule in group["rules"]]
    read = {name for rule in rules for name in catalog.read_by(rule["expr"])}
    for name in sorted(read):
        metric = catalog.find(name)
        if metric and metric.emitter != RECORDING_RULE and name != "up":
            yield from _of(metric, ill=ill)


def _of(metric: Metric, *, ill: bool) -> Iterator[str]:
    values = [[(label, value) for value in metric.closed.get(label, ("a", "b"))] for label in metric.labels]
    for labels in itertools.islice(itertools.product(*values), _MOST):
        inner = ",".join(f'{label}="{value}"' for label, value in labels)
        if not isinstance(metric, Histogram):
            still = not ill and (metric in _STILL or not _BAD.isdisjoint(labels))
            yield f"{metric.name}{{{inner}}} {_STILL.get(metric, 1) if still else '%d'}"
            continue
        for bound in (*metric.buckets, "+Inf"):
            yield f'{metric.name}_bucket{{{inner}{"," if inner else ""}le="{bound}"}} %d'
        yield from (f"{metric.name}{part}{{{inner}}} %d" for part in ("_sum", "_count"))


@contextmanager
def target(text: str) -> Iterator[int]:
    """A server that answers the text, with values that grow by a scrape's number; its port."""
    scrapes = itertools.count(1)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"" if self.path == "/nothing" else text.replace("%d", str(next(scrapes))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def fill(folder: Path, target: str = "", targets: int = 0) -> None:
    """30 days of what the first rules of each objective record, and a day of what the targets say of `OF_A_DAY`, up to now."""
    every, now = int(seconds(slo_signals.EVERY)), int(time.time())
    text = folder / "samples.txt"
    with text.open("w", encoding="utf-8") as file:
        for metric, value in ((slo_signals.BAD, 0.01), (slo_signals.TOTAL, 100)):
            file.write(f"# TYPE {metric.name} gauge\n")
            for one in SLOS:
                line = f'{metric.name}{{cluster="{SITE.cluster}",slo="{one.name}"}} {value} '
                file.writelines(f"{line}{at}\n" for at in range(now - DAYS * 86_400, now, every))
        for metric in OF_A_DAY:
            file.write(f"# TYPE {metric.name} unknown\n")
            lines = [line.rpartition(" ")[0] for line in target.splitlines() if line.startswith(f"{metric.name}{{")]
            for line, number in itertools.product(lines, range(targets)):
                series = line.replace("{", f'{{cluster="{SITE.cluster}",instance="host-{number}",job="bench",')
                file.writelines(f"{series} 0 {at}\n" for at in range(now - 86_400, now, int(seconds(INTERVAL))))
        file.write("# EOF\n")
    command = [
        "promtool",
        "tsdb",
        "create-blocks-from",
        "--max-block-duration=744h",
        "openmetrics",
        str(text),
        str(folder / "data"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    text.unlink()


@contextmanager
def prometheus(
    folder: Path, port_of_target: int, targets: int, *, rules: bool, ill: bool = False
) -> Iterator[tuple[psutil.Process, str]]:
    """A Prometheus that scrapes as many targets; its process and address."""
    groups = [
        {"targets": [f"127.0.0.1:{port_of_target}"], "labels": {"cluster": SITE.cluster, "instance": f"host-{number}"}}
        for number in range(targets)
    ]
    # A target of each job that a site has, with nothing to say, so that none is absent.
    there = [{"targets": [f"127.0.0.1:{port_of_target}"], "labels": {"job": job}} for job in (() if ill else JOBS)]
    content: dict[str, Any] = {
        "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
        "scrape_configs": [
            {"job_name": "bench", "static_configs": groups},
            {"job_name": "jobs", "metrics_path": "/nothing", "static_configs": there},
        ],
    }
    if rules:
        render.write(render.rules(site_alerts(SITE), SITE), folder)
        content["rule_files"] = ["rules/*.yml"]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    (port,) = free_ports(1)
    command = [
        "prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=35d", f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield psutil.Process(process.pid), f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def asked(address: str, query: str) -> list[dict[str, Any]]:
    """The result of an instant query; empty while the server does not answer."""
    try:
        with urllib.request.urlopen(f"{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}", timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return found
    except OSError:
        return []


def took(address: str) -> dict[str, float]:
    """Seconds that each group's last evaluation took."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        line.partition('rule_group="')[2].partition('"')[0].rpartition(";")[2]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("prometheus_rule_group_last_duration_seconds{")
    }


def main() -> int:
    """Prints a table; exit 1 when the rules take more than the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=250, help="above 4 min, so that every group is evaluated")
    parser.add_argument("--ill", action="store_true", help="let errors come and jobs be absent, so that dozens of alerts fire")
    options = parser.parse_args()
    text = "\n".join(lines(ill=options.ill)) + "\n"
    each = text.count("\n")
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="watchfloor-bench-"))) for _ in range(2)]
        port = stack.enter_context(target(text))
        count = -(-SERIES // each)
        fill(folders[0], text, count)
        servers = [
            stack.enter_context(prometheus(folder, port, count, rules=rules, ill=options.ill))
            for folder, rules in zip(folders, (True, False), strict=True)
        ]
        for _, address in servers:
            until("every target was scraped twice", partial(_twice, address, count), 60, 0.5)
        before, began = [cpu(process) for process, _ in servers], time.monotonic()
        time.sleep(options.seconds)
        wall = time.monotonic() - began
        used = [100 * (cpu(process) - was) / wall for (process, _), was in zip(servers, before, strict=True)]
        durations = took(servers[0][1])
        print(f"Active beside the Watchdog: {_active(servers[0][1]) or 'nothing'}")
    return report(used, durations, each * count, wall)


def _active(address: str) -> str:
    """Which alerts are pending or firing, and how many of each."""
    found = asked(address, 'count by (alertname) (ALERTS{alertname!="Watchdog"})')
    return ", ".join(sorted(f"{row['value'][1]} {row['metric']['alertname']}" for row in found))


def _twice(address: str, count: int) -> bool:
    return bool(asked(address, f"count(count_over_time(up{{job='bench'}}[1h]) >= 2) == {count}"))


def cpu(process: psutil.Process) -> float:
    """CPU seconds so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def report(used: list[float], durations: dict[str, float], series: int, wall: float) -> int:
    """The groups' last durations against their intervals; CPU with rules less CPU without."""
    intervals = _intervals()
    table = Table(title=f"Rules over {wall:.0f} s, {series} series, Python {platform.python_version()}", box=None)
    for heading in ("group", "every, s", "last took, ms", "% of the time"):
        table.add_column(heading, justify="left" if heading == "group" else "right")
    shares = {name: 100 * duration / intervals[name] for name, duration in durations.items()}
    for name, share in shares.items():
        table.add_row(name, f"{intervals[name]:g}", f"{1000 * durations[name]:.1f}", f"{share:.3f}")
    table.add_row("all", "", "", f"{sum(shares.values()):.2f}", style="bold")
    console().print(table)
    more = used[0] - used[1]
    print(f"CPU of one core: with rules {used[0]:.2f} %, without {used[1]:.2f} %: rules {more:.2f} %; at most {LIMIT:g} %")
    return int(more > LIMIT)


def _intervals() -> dict[str, float]:
    files = render.rules(site_alerts(SITE), SITE).values()
    return {group["name"]: seconds(group["interval"]) for text in files for group in yaml.safe_load(text)["groups"]}


if __name__ == "__main__":
    raise SystemExit(main())
