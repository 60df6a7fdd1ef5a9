"""What a service tells of its own process, compared with what the kernel says."""

from __future__ import annotations

import gc
import platform
import resource

import psutil
import pytest

from metrics import process, stack
from metrics.process import ProcessSamples
from tests.waiting import until


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
    # A thread of an earlier test may still be closing files.
    until("files are counted alike", lambda: abs(told()["process_open_fds"] - kernel.num_fds()) <= 2, 10)
    found = told()

    assert found["process_resident_memory_bytes"] == pytest.approx(kernel.memory_info().rss, rel=0.1)
    assert found["process_virtual_memory_bytes"] == pytest.approx(kernel.memory_info().vms, rel=0.1)
    assert found["process_max_fds"] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    times = kernel.cpu_times()
    assert found["process_cpu_seconds_total"] == pytest.approx(times.user + times.system, abs=0.5)


def test_the_start_is_when_the_kernel_started_the_process(found: dict[str, float]) -> None:
    assert found["process_start_time_seconds"] == pytest.approx(psutil.Process().create_time(), abs=1.5)


def test_the_build_is_named() -> None:
    labels = next(labels for metric, labels, _ in ProcessSamples("inbox").collect() if metric is stack.BUILD_INFO)

    assert labels == ("inbox", process.version(), platform.python_version())
