"""A Prometheus with old data of everything that dashboards query: generated, and put in as blocks by promtool."""

from __future__ import annotations

import math
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice, product
from pathlib import Path

from dashboards.preview.model import parse
from dashboards.preview.silence import metric_names
from metrics import catalog, stack
from metrics.model import Counter, Histogram, Metric
from tests.dashboards.preview import world
from tests.waiting import free_ports, until

APART = 10  # seconds from sample to sample
INSTANCES = ("host-1", "host-2")
MOST_SERIES = 400  # of one metric: labels that tell one thing each would multiply to thousands
VALUES = {
    "alertstate": ("firing",),
    "severity": ("critical", "warning", "info"),
    "device": ("sda1", "eth0"),
    "direction": ("receive", "transmit"),
}


def series(metric: Metric, name: str, jobs: tuple[str, ...], hosts: Sequence[str] = INSTANCES) -> Iterator[dict[str, str]]:
    """Labels of the generated series of a metric under one of its sample names."""
    choices = [metric.closed.get(label) or VALUES.get(label, (f"{label}-1", f"{label}-2")) for label in metric.labels]
    bounds = [""]
    if isinstance(metric, Histogram) and name.endswith("_bucket"):
        bounds = [*map(str, metric.buckets), "+Inf"]
    for instance, job, *values, bound in product(hosts, jobs, *choices, bounds):
        labels = dict(zip(metric.labels, values, strict=True)) | {"cluster": "bench", "instance": instance, "job": job}
        yield labels | ({"le": bound} if bound else {})


def samples(metric: Metric, number: int, start: int, end: int) -> Iterator[tuple[int, float]]:
    """A wave for a gauge, a growing count for a counter: values that a chart must really draw."""
    grows = isinstance(metric, Counter | Histogram)
    for index, moment in enumerate(range(start, end, APART)):
        wave = math.sin(index / 60 + number) + 1.5
        yield moment, round(index * (number % 7 + 1) + wave, 3) if grows else round(wave * 20, 3)


def fill(folder: Path, files: Sequence[Path], hours: float) -> int:
    """Writes blocks of so many hours for every metric that the dashboard files query; how many series."""
    now = int(time.time()) // APART * APART
    exprs = [target.expr for file in files for panel in parse(file.read_bytes()).all_panels() for target in panel.targets]
    names = {name for expr in exprs for name in metric_names(expr)}
    text = folder / "samples.txt"
    number = 0
    with text.open("w", encoding="utf-8") as stream:
        for name in sorted(names):
            metric = catalog.find(name) or catalog.find(re.sub("_(bucket|sum|count)$", "", name))
            assert metric, f"{name} is not declared"
            jobs = stack.JOBS if name == "up" or name.startswith(("process_", "scrape_")) else ("system",)
            for labels in islice(series(metric, name, jobs), MOST_SERIES):
                number += 1
                inner = ",".join(f'{key}="{value}"' for key, value in labels.items())
                head = f"{name}{{{inner}}}"
                rows = samples(metric, number, now - round(hours * 3600) - 600, now + 1800)
                stream.writelines(f"{head} {value} {moment}\n" for moment, value in rows)
        stream.write("# EOF\n")
    command = [
        "promtool",
        "tsdb",
        "create-blocks-from",
        "--max-block-duration=168h",
        "openmetrics",
        str(text),
        str(folder / "data"),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    text.unlink()
    return number


@contextmanager
def serve(folder: Path) -> Iterator[tuple[str, str]]:
    """Prometheus over the blocks, scraping nothing, its log of queries in `queries.log`, and the preview; both addresses."""
    port = free_ports(1)[0]
    head = f"global: {{scrape_interval: 10s, query_log_file: {folder}/queries.log}}\n"
    (folder / "prometheus.yml").write_text(head, encoding="utf-8")
    command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=30d"]
    url = f"http://127.0.0.1:{port}"
    with world.running(command, folder / "prometheus.log"):
        until("Prometheus ready", lambda: world.answers(f"{url}/-/ready"), 60)
        with world.preview(folder, url, "10s") as address:
            yield url, address
