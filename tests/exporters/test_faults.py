"""A collector that hangs or breaks: told as such, the others answer, nothing piles up, one log line a change."""

import math
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from exporters.server import TIMEOUT_HEADER
from tests.exporters.faulty import TIMEOUT
from tests.exporters.servers import Series, Server, ours, series
from tests.waiting import until

OTHERS = "/metrics?collect[]=good&collect[]=broken"
HUNG = "/metrics?collect[]=hanging&collect[]=good"


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


@pytest.fixture
def server(fifo: Path) -> Iterator[Server]:
    """Its collectors may take as long as a busy machine likes."""
    with ours(str(fifo), "--timeout", "10", command=[sys.executable, "-m", "tests.exporters.faulty"]) as running:
        yield running


@pytest.fixture
def hasty(fifo: Path) -> Iterator[Server]:
    """For tests in which one hangs."""
    with ours(str(fifo), command=[sys.executable, "-m", "tests.exporters.faulty"]) as running:
        yield running


def of(found: Series, metric: str, name: str) -> float:
    return found[metric][("collector", name), ("domain", "test")]


def threads(server: Server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/task").iterdir()))


def release(fifo: Path) -> None:
    """Lets a hung collector go on: an empty file is what it reads."""
    os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))


def test_a_hung_collector_is_given_up_and_the_others_answer(hasty: Server) -> None:
    began = time.monotonic()
    found = series(hasty.text(HUNG))
    assert TIMEOUT <= time.monotonic() - began < 8  # the scrape itself has ten
    assert of(found, "watchfloor_collector_success", "hanging") == 0
    assert of(found, "watchfloor_collector_timeouts_total", "hanging") == 1
    assert of(found, "watchfloor_collector_duration_seconds", "hanging") >= TIMEOUT
    assert of(found, "watchfloor_collector_success", "good") == 1
    assert found["test_hanging"][()] == 1  # what was in hand when it hung


def test_it_does_not_pile_up_and_later_scrapes_do_not_wait(hasty: Server) -> None:
    hasty.text(HUNG)
    before = threads(hasty)
    for _ in range(3):
        found = series(hasty.text(HUNG))
        assert of(found, "watchfloor_collector_success", "hanging") == 0
        assert of(found, "watchfloor_collector_timeouts_total", "hanging") == 1  # it was not started, nor waited for, again
        assert found["test_runs_total"][()] > 1
    assert threads(hasty) <= before


def test_it_answers_again_once_it_is_back(hasty: Server, fifo: Path) -> None:
    hasty.text(HUNG)
    until("it hangs in the FIFO", lambda: released(fifo))
    # What hung before has ended; the next run opens the FIFO again and is released in its turn.
    with ThreadPoolExecutor(1) as pool:

        def healthy() -> bool:
            scrape = pool.submit(hasty.text, HUNG)
            until("the collector reads, or the scrape ends", lambda: scrape.done() or released(fifo))
            return of(series(scrape.result()), "watchfloor_collector_success", "hanging") == 1

        until("the collector answers again", healthy)
    _, said = hasty.stop()
    lines = [line for line in said.splitlines() if "collector hanging" in line]
    assert len([line for line in lines if "no answer in" in line]) == 1, said
    assert len([line for line in lines if "hanging: answers again" in line]) == 1, said


def released(fifo: Path) -> bool:
    try:
        release(fifo)
    except OSError:
        return False  # ENXIO: nobody reads yet
    return True


def test_a_broken_collector_keeps_what_is_in_hand_and_is_logged_once(server: Server, fifo: Path) -> None:
    switch = fifo.with_name(fifo.name + ".broken")
    switch.touch()
    for count in (1, 2, 3):
        found = series(server.text(OTHERS))
        assert found["test_broken"][()] == 1
        assert of(found, "watchfloor_collector_success", "broken") == 0
        assert of(found, "watchfloor_collector_success", "good") == 1
        assert of(found, "watchfloor_collector_errors_total", "broken") == count
    switch.unlink()
    found = series(server.text(OTHERS))
    assert of(found, "watchfloor_collector_success", "broken") == 1
    assert of(found, "watchfloor_collector_errors_total", "broken") == 3
    _, said = server.stop()
    assert said.count("its wheel came off") == 1, said
    assert said.count("collector broken: answers again") == 1, said


def test_counters_of_every_collector_exist_at_zero_from_the_start(server: Server) -> None:
    found = series(server.text("/metrics?collect[]=good"))
    assert of(found, "watchfloor_collector_errors_total", "good") == 0
    assert of(found, "watchfloor_collector_timeouts_total", "good") == 0


def test_concurrent_scrapes_share_one_collection(server: Server) -> None:
    def scrape(_: int) -> float:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/metrics?collect[]=good")
        return series(connection.getresponse().read().decode())["test_runs_total"][()]

    runs_before = series(server.text("/metrics?collect[]=good"))["test_runs_total"][()]
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(scrape, range(8)))
    assert max(runs) - runs_before < 8
    assert len(set(runs)) < 8


def test_the_scrapes_own_timeout_is_kept(fifo: Path) -> None:
    patient = [sys.executable, "-m", "tests.exporters.faulty", "--timeout", "10"]
    with ours(str(fifo), command=patient) as server:
        began = time.monotonic()
        status, _, body = server.get(HUNG, **{TIMEOUT_HEADER: "0.5"})
        assert status == 200
        assert time.monotonic() - began < 5
    found = series(body.decode())
    assert of(found, "watchfloor_collector_success", "hanging") == 0
    assert of(found, "watchfloor_collector_success", "good") in (0, 1)  # it may not have had its turn


def test_a_hung_collector_does_not_keep_the_process_from_ending(hasty: Server) -> None:
    hasty.text(HUNG)
    code, said = hasty.stop(signal.SIGTERM)
    assert code == 0, said


def test_help_texts_and_names_are_text_on_the_page(server: Server) -> None:
    _, headers, body = server.get("/")
    assert b"<b>" not in body
    assert b"Hangs &lt;b&gt;here&lt;/b&gt;." in body
    assert "unsafe-inline" not in headers["Content-Security-Policy"]


def test_two_scrapes_that_meet_the_same_hung_collector_leave_one_thread_behind(hasty: Server) -> None:
    def scrape(path: str) -> Series:
        connection = HTTPConnection("127.0.0.1", hasty.port, timeout=10)
        connection.request("GET", path)
        return series(connection.getresponse().read().decode())

    hasty.text("/metrics?collect[]=good")
    before = threads(hasty)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(scrape, (HUNG, "/metrics?collect[]=hanging")))
    assert [of(found, "watchfloor_collector_success", "hanging") for found in both] == [0, 0]
    assert threads(hasty) <= before + 1


def test_any_label_and_nan_come_through_both_formats(server: Server) -> None:
    for accept, parse in (("text/plain", plain), ("application/openmetrics-text; version=1.0.0", openmetrics)):
        _, _, body = server.get("/metrics?collect[]=good", Accept=accept)
        (sample,) = next(family for family in parse(body.decode()) if family.name == "test_good").samples
        assert sample.labels == {"text": '<script>"\\\n'}
        assert math.isnan(sample.value)
