"""An exporter whose collectors misbehave, as a process of its own: `python -m tests.exporters.faulty --port N FIFO`.

`hanging` blocks in the kernel until somebody writes a line into the FIFO; `broken` yields one sample and raises while the
file FIFO.broken exists; `slow` answers after a while; `good` always answers.
"""

import argparse
import asyncio
import logging
import time
from collections.abc import Iterator
from pathlib import Path

from exporters.base import Domain
from exporters.ports import listen
from exporters.runner import Runner
from exporters.server import Exporter, serve
from metrics.model import Counter, Gauge, Sample

HANGING = Gauge("test_hanging", "From a collector that hangs.")
BROKEN = Gauge("test_broken", "From a collector that breaks.")
GOOD = Gauge("test_good", 'A label can hold anything: <b>"&\\ and a\nnewline.', labels=("text",))
RUNS = Counter("test_runs_total", "How often the good collector ran.")
TIMEOUT = 2.0


class Hanging:
    name = "hanging"
    help = "Hangs <b>here</b>."
    emits = (HANGING,)

    def __init__(self, fifo: Path) -> None:
        self._fifo = fifo

    def collect(self) -> Iterator[Sample]:
        yield HANGING.sample(1)  # what is in hand before it hangs
        self._fifo.read_text()
        yield HANGING.sample(2)


class Broken:
    name = "broken"
    help = "Breaks."
    emits = (BROKEN,)

    def __init__(self, switch: Path) -> None:
        self._switch = switch

    def collect(self) -> Iterator[Sample]:
        yield BROKEN.sample(1)
        if self._switch.exists():
            raise RuntimeError("its wheel came off")


class Good:
    name = "good"
    help = "Answers."
    emits = (GOOD, RUNS)

    def __init__(self) -> None:
        self._runs = 0

    def collect(self) -> Iterator[Sample]:
        self._runs += 1
        time.sleep(0.05)  # long enough for a second scrape to arrive meanwhile
        yield GOOD.sample(float("nan"), '<script>"\\\n')
        yield RUNS.sample(self._runs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("fifo", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--timeout", type=float, default=TIMEOUT)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    broken = Broken(options.fifo.with_name(options.fifo.name + ".broken"))
    domain = Domain("test", "exporter-test", (Hanging(options.fifo), broken, Good()))
    asyncio.run(serve([(Exporter([Runner(domain, options.timeout)]), listen("127.0.0.1", options.port))]))
