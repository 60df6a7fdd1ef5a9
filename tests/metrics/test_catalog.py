"""The catalogue holds every declaration once, under names that Prometheus takes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import metrics
from metrics import catalog
from metrics.catalog import Domain
from metrics.model import RECORDING_RULE, Counter, Gauge, Histogram, Metric, Recording, Signal, Unit

ALL = catalog.all_metrics()
ROOT = Path(metrics.__file__).parent


@pytest.fixture
def domains(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Domain]]:
    """A catalogue of the test's own; the real one comes back afterwards."""
    own: dict[str, Domain] = {}
    monkeypatch.setattr(catalog, "DOMAINS", own)
    _forget()
    yield own
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    catalog._index.cache_clear()
    catalog.recorded.cache_clear()


def test_two_modules_that_declare_one_name_are_refused_by_name(domains: dict[str, Domain]) -> None:
    domains |= {"first": Domain((Gauge("x", "X."),)), "second": Domain((Counter("x", "X."),))}

    with pytest.raises(ValueError, match=r"'x' is declared by metrics\.first and by metrics\.second"):
        catalog.find("x")


def test_a_histograms_series_are_names_too(domains: dict[str, Domain]) -> None:
    domains |= {"first": Domain((Histogram("x", "X."),)), "second": Domain((Gauge("x_count", "X."),))}

    with pytest.raises(ValueError, match="'x_count' is declared by"):
        catalog.find("x")


def test_two_modules_that_declare_one_signal_are_refused(domains: dict[str, Domain]) -> None:
    signal = Signal("X", Gauge("x", "X.").select(), Unit.NONE, "X.")
    domains |= {"first": Domain((), {"a.b": signal}), "second": Domain((), {"a.b": signal})}

    with pytest.raises(ValueError, match=r"signal 'a\.b' is declared by metrics\.first and by metrics\.second"):
        catalog.signals()


def test_recorded_names_are_declared_metrics(domains: dict[str, Domain]) -> None:
    used = Gauge("used_bytes", "Used.", Unit.BYTES, labels=("mount",))
    sent = Counter("sent_bytes_total", "Sent.", Unit.BYTES, labels=("device",))
    times = Histogram("times_seconds", "Times.", Unit.SECONDS, labels=("path",), buckets=(1, 2))
    domains["one"] = Domain(
        (used, sent, times),
        {"one.used": Signal("Used", used.select().max(by=("instance", "mount")), Unit.BYTES, "U.", recorded_as="system_used")},
        (
            Recording("system_io", "I/O.", Unit.BYTES, ((sent.select(), (("direction", "out"),)),)),
            Recording("app_times", "Times.", Unit.SECONDS, ((times.select(), ()),)),
        ),
    )

    gauge, counter, histogram = (catalog.find(name) for name in ("system_used", "system_io", "app_times_bucket"))

    assert isinstance(gauge, Gauge)
    assert gauge.labels == ("mount",)
    assert isinstance(counter, Counter)
    assert counter.labels == ("device", "direction")
    assert isinstance(histogram, Histogram)
    assert histogram.buckets == (1, 2)
    assert {metric.emitter for metric in (gauge, counter, histogram)} == {RECORDING_RULE}


def test_find_knows_series_and_nothing_that_is_not_declared() -> None:
    found = catalog.find("watchfloor_inbox_delivery_seconds_bucket")

    assert found is catalog.find("watchfloor_inbox_delivery_seconds")
    assert catalog.find("node_load1") is not None
    assert catalog.find("node_load2") is None
    assert catalog.find("node_load1_bucket") is None


def test_the_original_vocabulary_of_the_system_is_declared() -> None:
    kinds = {name: type(catalog.find(name)) for name in ("system_cpu_usage", "system_memory_usage", "system_disk_usage")}

    assert set(kinds.values()) == {Gauge}
    assert isinstance(catalog.find("system_network_io"), Counter)


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_each_declaration_keeps_the_rules(metric: Metric) -> None:
    assert re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", metric.name)
    assert all(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", label) and not label.startswith("__") for label in metric.labels)
    assert "le" not in metric.labels
    assert len(set(metric.labels)) == len(metric.labels)
    assert set(metric.closed) <= set(metric.labels)
    assert metric.help.strip() == metric.help != ""
    assert not metric.name.endswith(("_bucket", "_created")), "a name that a histogram or OpenMetrics makes"
    if isinstance(metric, Histogram):
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert metric.buckets[-1] != float("inf")


@pytest.mark.parametrize(
    "metric", [metric for metric in ALL if metric.name.startswith("watchfloor_") and not metric.emitter], ids=lambda m: m.name
)
def test_our_own_names_say_their_unit(metric: Metric) -> None:
    name = metric.name.removesuffix("_total")

    assert metric.name.endswith("_total") == isinstance(metric, Counter)
    endings = {Unit.SECONDS: "_seconds", Unit.TIMESTAMP: "_seconds", Unit.BYTES: "_bytes", Unit.INFO: "_info"}
    assert name.endswith(endings.get(metric.unit, ""))
    assert metric.help.endswith(".")


def test_each_metric_of_a_module_stands_in_its_metrics() -> None:
    """A declaration that `METRICS` leaves out would be exposed and never documented."""
    declared = {metric.name for metric in ALL}
    for file in sorted(ROOT.rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.args):
                continue
            if call.func.id in {"Counter", "Gauge", "Histogram"} and isinstance(call.args[0], ast.Constant):
                assert call.args[0].value in declared, (file.name, call.args[0].value)


@pytest.mark.parametrize(
    ("promql", "names"),
    [
        ("up", ["up"]),
        ('sum by (job) (rate(app_http_requests_total{code="up"}[5m])) > 0', ["app_http_requests_total"]),
        ("histogram_quantile(0.95, rate(app_http_request_duration_seconds_bucket[5m]))", ["app_http_request_duration_seconds"]),
        ("system_cpu_usage and on (up) ALERTS", ["ALERTS", "system_cpu_usage"]),
        ("nobody_declares_this", []),
        ("label_replace(up, 'job', '$1', `ALERTS`, '(.*)')", ["up"]),
    ],
)
def test_an_expression_reads_metrics_and_neither_labels_nor_texts(promql: str, names: list[str]) -> None:
    assert catalog.read_by(promql) == names
