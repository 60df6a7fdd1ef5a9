"""What is recorded by name: declared, ours, and of the right kind, or refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from metrics import app, websocket
from metrics.instruments import Instruments
from metrics.model import Distribution
from stream.recorder import Recorder, RecordingError


def _made() -> tuple[Recorder, Instruments, Instruments]:
    http = Instruments((app.REQUESTS, app.ERRORS, app.DURATION, app.LOOP_LAG))
    sockets = Instruments((websocket.CONNECTIONS,))
    return Recorder((http, sockets)), http, sockets


def _value(instruments: Instruments, name: str, *labels: str) -> object:
    return next(value for metric, found, value in instruments.collect() if metric.name == name and found == labels)


def test_each_kind_is_recorded_where_it_is_told() -> None:
    recorder, http, sockets = _made()
    recorder.increment("app_errors_total", {"route": "/ws"})
    recorder.increment("app_errors_total", {"route": "/ws"})
    recorder.duration("app_http_request_duration_seconds", 0.002, {"route": "/"})
    recorder.metric("app_event_loop_lag_seconds", 0.3, {})
    recorder.metric("ws_connections", 7, {"compressed": "no", "format": "json"})

    assert _value(http, "app_errors_total", "/ws") == 2
    durations = _value(http, "app_http_request_duration_seconds", "/")
    assert isinstance(durations, Distribution)
    assert (sum(durations.counts), durations.sum) == (1, 0.002)
    assert _value(sockets, "ws_connections", "json", "no") == 7


def test_the_original_names_are_recorded_as_what_they_are_made_from() -> None:
    recorder, http, _ = _made()
    recorder.increment("app_error_count", {"route": "/"})
    recorder.duration("app_request_duration", 0.1, {"route": "/"})

    assert _value(http, "app_errors_total", "/") == 1
    durations = _value(http, "app_http_request_duration_seconds", "/")
    assert isinstance(durations, Distribution)
    assert durations.sum == 0.1


@pytest.mark.parametrize(("call", "why"), [
    (lambda r: r.increment("app_mistakes_total", {}), "is not declared"),
    (lambda r: r.duration("app_http_request_duration_seconds_bucket", 1, {"route": "/"}), "is not declared"),
    (lambda r: r.metric("system_cpu_usage", 50, {}), "another program emits it"),
    (lambda r: r.metric("app_errors_total", 1, {"route": "/"}), "increment it"),
    (lambda r: r.increment("app_event_loop_lag_seconds", {}), "no counter"),
    (lambda r: r.duration("ws_connections", 1, {}), "no histogram of seconds"),
    (lambda r: r.increment("app_errors_total", {}), "give route"),
    (lambda r: r.increment("app_errors_total", {"route": "/wp-login.php"}), "give one of"),
    (lambda r: r.metric("app_event_loop_lag_seconds", float("nan"), {}), "finite"),
    (lambda r: r.duration("app_event_loop_lag_seconds", float("inf"), {}), "finite"),
    (lambda r: r.duration("app_event_loop_lag_seconds", -0.1, {}), "clock"),
])  # fmt: skip
def test_what_is_wrong_is_refused_and_changes_nothing(call: Callable[[Recorder], None], why: str) -> None:
    recorder, http, sockets = _made()
    before = [list(http.collect()), list(sockets.collect())]
    with pytest.raises(RecordingError, match=why):
        call(recorder)
    assert [list(http.collect()), list(sockets.collect())] == before
