"""The numbers that a service changes as it runs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metrics.expose import Renderer
from metrics.instruments import Instruments
from metrics.model import Counter, Distribution, Gauge, Histogram, Metric

REQUESTS = Counter("wf_requests_total", "R.", labels=("code",), closed={"code": ("2xx", "5xx")})
OPEN_SET = Counter("wf_open_total", "O.", labels=("name",))
BARE = Counter("wf_bare_total", "B.")
LEVEL = Gauge("wf_level", "L.", labels=("tank",))
TIMES = Histogram("wf_times_seconds", "T.", labels=("kind",), closed={"kind": ("a", "b")}, buckets=(0.1, 1.0))


def values(instruments: Instruments) -> dict[tuple[Metric, tuple[str, ...]], float | Distribution]:
    return {(metric, labels): value for metric, labels, value in instruments.collect()}


def test_children_over_closed_labels_exist_at_zero_from_the_start() -> None:
    instruments = Instruments((REQUESTS, OPEN_SET, BARE, LEVEL, TIMES))

    assert values(instruments) == {
        (REQUESTS, ("2xx",)): 0,
        (REQUESTS, ("5xx",)): 0,
        (BARE, ()): 0,
        (TIMES, ("a",)): Distribution((0, 0, 0), 0.0),
        (TIMES, ("b",)): Distribution((0, 0, 0), 0.0),
    }


def test_counters_grow_and_gauges_come_and_go() -> None:
    instruments = Instruments((REQUESTS, OPEN_SET, LEVEL))

    instruments.inc(REQUESTS, "2xx")
    instruments.inc(REQUESTS, "2xx", by=2.5)
    instruments.inc(OPEN_SET, "new")
    instruments.set(LEVEL, 7, "north")
    instruments.set(LEVEL, 8, "south")
    instruments.forget(LEVEL, "north")
    instruments.forget(LEVEL, "never there")

    assert values(instruments) == {
        (REQUESTS, ("2xx",)): 3.5,
        (REQUESTS, ("5xx",)): 0,
        (OPEN_SET, ("new",)): 1,
        (LEVEL, ("south",)): 8,
    }


@given(st.lists(st.floats(min_value=0, max_value=5), max_size=30))
def test_an_observation_counts_in_the_first_bucket_that_is_not_below_it(observations: list[float]) -> None:
    instruments = Instruments((TIMES,))
    for value in observations:
        instruments.observe(TIMES, value, "a")

    found = values(instruments)[TIMES, ("a",)]

    assert isinstance(found, Distribution)
    low = sum(value <= 0.1 for value in observations)
    middle = sum(0.1 < value <= 1.0 for value in observations)
    assert found.counts == (low, middle, len(observations) - low - middle)
    assert abs(found.sum - sum(observations)) < 1e-6


def test_a_scrape_is_not_changed_by_what_happens_after_it() -> None:
    instruments = Instruments((TIMES,))
    before = list(instruments.collect())

    instruments.observe(TIMES, 0.5, "a")

    assert Renderer().render(before) != Renderer().render(instruments.collect())
    assert before[0][2] == Distribution((0, 0, 0), 0.0)
