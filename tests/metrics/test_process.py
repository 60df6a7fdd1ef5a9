"""What a service tells of its own process, compared with what the kernel says."""

from __future__ import annotations

import gc
import platform
import resource
import subprocess
import sys

import psutil
import pytest

from metrics import process, stack
from metrics.process import ProcessSamples
from settings.paths import CLONE


@pytest.fixture
def found() -> dict[str, float]:
    return told()


def test_every_declared_metric_is_told(found: dict[str, float]) -> None:
    assert set(found) == {metric.name for metric in (*process.METRICS, stack.BUILD_INFO)}


def told() -> dict[str, float]:
    return {metric.name: float(value) for metric, _, value in ProcessSamples("test").collect() if not isinstance(value, tuple)}


def test_the_figures_are_the_kernels() -> None:
    gc.collect()  # so that what other tests left open is not closed in between
    kernel = psutil.Process()
    found = told()

    assert found["process_resident_memory_bytes"] == pytest.approx(kernel.memory_info().rss, rel=0.1)
    assert found["process_virtual_memory_bytes"] == pytest.approx(kernel.memory_info().vms, rel=0.1)
    assert found["process_max_fds"] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    times = kernel.cpu_times()
    assert found["process_cpu_seconds_total"] == pytest.approx(times.user + times.system, abs=0.5)


def test_open_files_are_counted_as_the_kernel_does() -> None:
    """In a process of its own: the kernel counts what a thread that waits in accept() has reserved, and no list shows it."""
    words = "import psutil; from metrics.process import ProcessSamples as P; held = [open('/dev/null') for _ in range(9)]; "
    words += "print({m.name: v for m, _, v in P('test').collect()}['process_open_fds'], psutil.Process().num_fds())"
    ours, kernels = subprocess.check_output([sys.executable, "-c", words], cwd=CLONE, text=True).split()
    assert abs(float(ours) - int(kernels)) <= 2
    assert int(kernels) >= 12


def test_the_start_is_when_the_kernel_started_the_process(found: dict[str, float]) -> None:
    assert found["process_start_time_seconds"] == pytest.approx(psutil.Process().create_time(), abs=1.5)


def test_the_build_is_named() -> None:
    labels = next(labels for metric, labels, _ in ProcessSamples("inbox").collect() if metric is stack.BUILD_INFO)

    assert labels == ("inbox", process.version(), platform.python_version())
