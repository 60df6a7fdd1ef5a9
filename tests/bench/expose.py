"""CPU of rendering one exposition: our renderer against prometheus_client's `generate_latest`, in alternated pairs.

python -m tests.bench.expose [--series 1000] [--pairs 30]

Both render the same samples: gauges and counters with two labels, half of them floats, and a few histograms. Ours keeps its
text between scrapes, as in a service; prometheus_client has no such memory. CPU is the process's own (user and system).
"""

from __future__ import annotations

import argparse
import gc
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version

from prometheus_client import CollectorRegistry, generate_latest

from metrics.expose import ClientCollector, Format, Renderer
from metrics.model import Counter, Distribution, Gauge, Histogram, Sample
from tests.bench.stats import alternate, ratios

_PER_FAMILY = 20
_LEAST_SECONDS = 0.05  # CPU time of one measurement: far above the clock's step


def samples(series: int) -> list[Sample]:
    """About `series` series in families of 20 children; one family in ten is a histogram."""
    made: list[Sample] = []
    lines = 0
    for family in range(series):
        labels, text = ("device", "mode"), f"Something about family {family}, as a help text says it."
        if family % 10 == 9:
            histogram = Histogram(f"bench_{family}_seconds", text)
            made.append(histogram.sample(Distribution([family] * 12, family / 7)))
            lines += 14
        else:
            metric = (Counter if family % 2 else Gauge)(f"bench_{family}_total", text, labels=labels)
            made += [
                metric.sample(child * 1_000_003 if child % 2 else child * 1_000_003 / 7, f"sd{child}", "read")
                for child in range(_PER_FAMILY)
            ]
            lines += _PER_FAMILY
        if lines >= series:
            break
    return made


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of one run of `work`, from as many as fill the least time."""
    runs, begin = 0, time.process_time()
    while True:
        work()
        runs += 1
        used = time.process_time() - begin
        if used >= _LEAST_SECONDS:
            return used / runs


def main() -> int:
    """Prints CPU per 1,000 series of both and the ratio of pairs with its 95 % interval; exit 1 when ours is not less."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=30)
    options = parser.parse_args()
    made = samples(options.series)
    renderer, registry = Renderer(), CollectorRegistry()
    registry.register(ClientCollector(lambda: made))
    lines = sum(not line.startswith(b"#") for line in renderer.render(made).splitlines())
    contenders: dict[str, Callable[[], object]] = {
        "ours, text": lambda: renderer.render(made),
        "ours, OpenMetrics": lambda: renderer.render(made, Format(openmetrics=True)),
        "ours, first scrape": lambda: Renderer().render(made),
    }
    print(f"{lines} series, {options.pairs} pairs; Python {platform.python_version()}, ", end="")
    print(f"prometheus_client {version('prometheus_client')}")
    gc.disable()
    found = {
        name: compare(name, work, lambda: generate_latest(registry), lines, options.pairs) for name, work in contenders.items()
    }
    return int(found["ours, text"] >= 1)


def compare(name: str, work: Callable[[], object], other: Callable[[], object], lines: int, pairs: int) -> float:
    """Median ratio of alternated pairs; prints it with both costs in milliseconds per 1,000 series."""
    found = alternate(lambda: cpu(work) * 1e6 / lines, lambda: cpu(other) * 1e6 / lines, pairs)
    ours, theirs = (statistics.median(side) for side in zip(*found, strict=True))
    ratio = ratios(found)
    print(f"{name}: {ours:.2f} ms per 1,000 series, generate_latest {theirs:.2f} ms; ratio {ratio}")
    return ratio.median


if __name__ == "__main__":
    raise SystemExit(main())
