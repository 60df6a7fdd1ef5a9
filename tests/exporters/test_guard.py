"""The cardinality guard: what it cuts, that it always cuts the same, and that it says so."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from exporters.guard import Guard
from metrics.model import Column, Distribution, Gauge, Histogram, Keys, Sample
from tests.exporters.servers import ROOT, ours, series

A, B = Gauge("a", "A.", labels=("n",)), Gauge("b", "B.", labels=("n",))
samples = st.lists(st.builds(lambda metric, number: metric.sample(number, str(number)), st.sampled_from([A, B]), st.integers()))


@given(samples, st.integers(1, 5))
@hypothesis_settings(deadline=None)
def test_each_metric_keeps_its_first_samples_and_the_rest_is_counted(given_samples: list[Sample], limit: int) -> None:
    kept, cut, *_ = Guard(limit, 10**6).within(given_samples)
    for metric in (A, B):
        before = [sample for sample in given_samples if sample[0] is metric]
        assert [sample for sample in kept if sample[0] is metric] == before[:limit]
        assert cut.get(metric, 0) == max(0, len(before) - limit)


def test_a_column_is_cut_too_and_its_keys_are_the_same_each_time() -> None:
    guard, keys = Guard(3, 10**6), Keys([(str(number),) for number in range(5)])
    column: Sample = (A, (), Column(keys, [1, 2, 3, 4, 5]))
    first, cut, *_ = guard.within([column, A.sample(6, "6")])
    second = guard.within([column, A.sample(6, "6")]).samples
    assert cut == {A: 3}
    ((_, _, left),), ((_, _, again),) = first, second
    assert isinstance(left, Column)
    assert isinstance(again, Column)
    assert (left.keys.rows, left.values) == ([("0",), ("1",), ("2",)], [1, 2, 3])
    assert again.keys is left.keys


def scraped(*sizes: int) -> list[Sample]:
    """A metric for each, of so many series; and a histogram of 12 samples."""
    metrics = [Gauge(f"metric_{number}", "M.", labels=("n",)) for number in range(len(sizes))]
    columns = [
        (metric, (), Column(Keys([(str(row),) for row in range(size)]), [1.0] * size))
        for metric, size in zip(metrics, sizes, strict=True)
    ]
    return [*columns, (Histogram("times", "T.", buckets=(1.0,)), (), Distribution([1] * 10, 5.0))]


def told(samples: Sequence[Sample]) -> list[int]:
    return [len(value.values) if isinstance(value, Column) else 1 for _, _, value in samples]


@given(st.lists(st.integers(0, 300), max_size=6), st.integers(100, 400), st.integers(100, 900))
def test_a_scrape_that_would_be_refused_keeps_as_many_of_each_as_fit(sizes: list[int], limit: int, most: int) -> None:
    kept = Guard(limit, most).within(scraped(*sizes))
    left = told(kept.samples)[:-1]
    assert sum(left) + 12 <= most
    assert left == [min(size, kept.limit) for size in sizes] if kept.cut else left == sizes
    assert sum(kept.cut.values()) == sum(sizes) - sum(left)
    assert kept.of_all == (bool(kept.cut) and kept.limit < limit)
    if kept.of_all:
        more = sum(min(size, kept.limit + 1) for size in sizes)
        assert more + 12 > most, "and no fewer"


def test_the_limit_of_a_whole_scrape_stays_while_it_fits() -> None:
    guard = Guard(1000, 512)
    limits = [guard.within(scraped(few, 400, 400)).limit for few in (20, 22, 18, 20, 60, 20)]
    assert limits == [240, 239, 239, 239, 220, 220]
    assert told(guard.within(scraped(20, 235, 235)).samples)[:3] == [20, 220, 220], "nearly as much as fits: as before"
    assert told(guard.within(scraped(20, 300, 300)).samples)[:3] == [20, 220, 220]
    assert guard.within(scraped(10, 20, 30)).cut == {}
    assert told(guard.within(scraped(20, 235, 235)).samples)[:3] == [20, 235, 235]


def test_what_is_cut_is_counted_told_once_and_missing(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("exporters: {series_limit: 100}\n")
    made = tmp_path / "proc"
    (made / "net").mkdir(parents=True)
    devices = "".join(f"  dev{number:03}: {' '.join('1' * 16)}\n" for number in range(150))
    (made / "net" / "dev").write_text(f"Inter-| Receive\n face |bytes packets\n{devices}")
    with ours("--collectors", "netdev", "--proc", str(made), environment={"WATCHFLOOR_SITE": str(site)}) as server:
        first, second = series(server.text()), series(server.text())
        _, said = server.stop()
    key = (("domain", "system"), ("metric", "node_network_receive_bytes_total"))
    assert len(first["node_network_receive_bytes_total"]) == 100
    assert first["node_network_receive_bytes_total"].keys() == second["node_network_receive_bytes_total"].keys()
    assert (first["watchfloor_exporter_series_cut_total"][key], second["watchfloor_exporter_series_cut_total"][key]) == (50, 100)
    assert said.count("node_network_receive_bytes_total: has 50 series more than the 100 allowed") == 1


def test_all_is_every_domain_and_a_port_is_for_one() -> None:
    command = [sys.executable, "-m", "exporters", "all", "--list", "--site", str(ROOT / "site.example.yaml")]
    listed = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert "system" in {collector["domain"] for collector in listed}
